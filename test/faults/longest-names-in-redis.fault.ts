// timeout: 1800
import t from 'tap';
import { requirePostgres } from '../support/postgres.ts';
import { requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';
import { assertBoundedUnderNames } from './support/longest-names.ts';

t.test(
  'memory, rows and keys in Redis are bounded after 10,000 names of the maximum length in each of twelve members',
  async (t) => {
    if (!(await requirePostgres(t)) || !requirePrivateRedis(t)) return;
    await assertBoundedUnderNames(t, (await startPrivateRedis(t)).url);
  },
);
