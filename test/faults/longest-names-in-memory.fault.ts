// timeout: 1800
import t from 'tap';
import { requirePostgres } from '../support/postgres.ts';
import { assertBoundedUnderNames } from './support/longest-names.ts';

t.test('10,000 longest names for each route leave memory and rows bounded', async (t) => {
  if (await requirePostgres(t)) await assertBoundedUnderNames(t);
});
