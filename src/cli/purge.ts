import { countPurgeable } from '../adapters/postgres/purge-sql.ts';
import { createTokenFamilies } from '../adapters/postgres/token-families.ts';
import { BUSY_DELAY, purgeBatch } from '../app/upkeep/purge.ts';
import { formatCount, plural } from '../domain/plural.ts';
import { purgeCutoff } from '../domain/retention.ts';
import { sleep } from '../lib/time.ts';
import { createProgress } from './progress.ts';
import { withDatabase } from './with-database.ts';

/** `kinship purge`: removes ended sessions whose tokens have all expired. Progress goes to standard error. */
export async function purgeSessions(): Promise<void> {
  const progress = createProgress(process.stderr, () => performance.now());
  await withDatabase(async ({ sql }, { policy }) => {
    const purge = purgeBatch({ families: createTokenFamilies(sql, policy), policy, clock: Date.now });
    const total = await countPurgeable(sql, purgeCutoff(Date.now(), policy));
    const started = performance.now();
    let count = 0;
    let purged = await purge();
    for (; purged !== null && purged > 0; purged = await purge()) {
      count += purged;
      progress.show('sessions purged', count, total);
      await sleep(BUSY_DELAY);
    }
    progress.end();
    const seconds = Math.max(performance.now() - started, 1) / 1_000;
    const remark = purged === null ? '; another process is purging, and goes on' : '';
    process.stdout.write(
      `${plural(count, 'session')} purged, ${formatCount(Math.round(count / seconds))} a second${remark}\n`,
    );
  }).finally(progress.end);
}
