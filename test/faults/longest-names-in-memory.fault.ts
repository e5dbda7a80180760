// timeout: 1800
import t from 'tap';
import { requirePostgres } from '../support/postgres.ts';
import { assertBoundedUnderNames } from './support/longest-names.ts';

t.test('after 10,000 longest names for each route memory and rows are bounded', async (t) => {
  if (await requirePostgres(t)) await assertBoundedUnderNames(t);
});
