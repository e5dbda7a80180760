import t from 'tap';
import { floodNames } from '../support/flood-names.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';

/** Clients send 10,000 different names of the longest kind in each text member of each route. */

const NAMES = 10_000;
/** Bytes by which the bounded stores may grow after the first 2,000 names of each member. */
const GROWTH = 24 * 2 ** 20;
const HELD_BY_CONNECTIONS = 32;

for (const attempts of ['memory', 'Redis'] as const) {
  t.test(`with attempts in ${attempts}, memory stays flat`, async (t) => {
    if (!(await requirePostgres(t))) return;
    if (attempts === 'Redis' && !requirePrivateRedis(t)) return;
    const { requests, bytes, kept } = await floodNames(t, {
      count: NAMES,
      env: {
        DATABASE_URL: await testDatabase(t),
        ...(attempts === 'Redis' && { REDIS_URL: (await startPrivateRedis(t)).url }),
      },
    });
    const [first = 0] = bytes;
    const last = bytes.at(-1) ?? 0;
    t.comment(
      `${requests} requests, MiB in use: ${bytes.map((used) => (used / 2 ** 20).toFixed(1)).join(', ')}`,
    );
    t.ok(last - first < GROWTH, `${last - first} bytes more`);
    t.ok(kept <= HELD_BY_CONNECTIONS, `${kept} of the names are in the heap`);
  });
}
