// timeout: 1800
import t from 'tap';
import { requirePostgres } from '../support/postgres.ts';
import { assertBoundedUnderNames } from './support/longest-names.ts';

t.test(
  'memory and rows are bounded after 10,000 names of the maximum length in each of twelve members',
  async (t) => {
    if (await requirePostgres(t)) await assertBoundedUnderNames(t);
  },
);
