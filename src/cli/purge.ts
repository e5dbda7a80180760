import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createTokenFamilies } from '../adapters/postgres/token-families.ts';
import { BUSY_DELAY, purgeBatch } from '../app/upkeep/purge.ts';
import { onDatabase } from './on-database.ts';
import { progressOn } from './progress.ts';

const HELP = `npm run purge: removes the sessions that ended so long ago that no token of theirs is good any more.
The service does the same by itself. What is removed, and when, follows from REFRESH_TOKEN_AGE and CLOCK_SKEW.
Exit code 1 if it could not; 0 also if another process is at it, which then goes on until nothing is left.
`;

/** Arguments that are none end the command before anything is removed. */
const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });

if (values.help) process.stdout.write(HELP);
else {
  await onDatabase(async ({ sql }, { policy }) => {
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
