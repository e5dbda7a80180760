import { setTimeout as delay } from 'node:timers/promises';
import { createTokenFamilies } from '../adapters/postgres/token-families.ts';
import { BUSY_DELAY, purgeBatch } from '../app/upkeep/purge.ts';
import { onDatabase } from './on-database.ts';
import { progressOn } from './progress.ts';

/** `kinship purge`: removes sessions whose tokens have all expired, in batches. */
export function purgeSessions(): Promise<void> {
  return onDatabase(async ({ sql }, { policy }) => {
    const purge = purgeBatch({ families: createTokenFamilies(sql, policy), policy, clock: Date.now });
    const progress = progressOn(process.stdout, 'sessions purged', () => performance.now());
    let purged = await purge();
    for (; purged !== null && purged > 0; purged = await purge()) {
      progress.add(purged);
      await delay(BUSY_DELAY);
    }
    progress.end(purged === null ? '; another process is purging, and goes on' : '');
  });
}
