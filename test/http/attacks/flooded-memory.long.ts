import t from 'tap';
import { floodNames } from '../../support/flood-names.ts';
import { requirePostgres, testDatabase } from '../../support/postgres.ts';

/** How many requests the service may still hold in memory when the heap is read. */
const HELD_BY_CONNECTIONS = 32;

t.test(
  'the longest names that a client without an account sends to each route are not kept in memory',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const { requests, kept } = await floodNames(t, {
      count: 60,
      env: { DATABASE_URL: await testDatabase(t) },
    });
    t.ok(requests > 1_000, `${requests} requests`);
    t.ok(kept <= HELD_BY_CONNECTIONS, `${kept} of their names are in the heap`);
  },
);
