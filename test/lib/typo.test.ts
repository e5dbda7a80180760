import t from 'tap';
import { isOneTypoApart } from '../../src/lib/typo.ts';

t.test('a word differs from another one by one typing error', async (t) => {
  for (const typed of ['ACCES_AGE', 'ACCCESS_AGE', 'ACCSES_AGE', 'ACCESS_AGF', 'XACCESS_AGE', 'ACCESS_AG'])
    t.ok(isOneTypoApart(typed, 'ACCESS_AGE') && isOneTypoApart('ACCESS_AGE', typed), typed);
  for (const other of ['ACCESS_AGE', 'ACES_AGE', 'ACCESS_EGA', 'REFRESH_AGE', '', 'ACCESS'])
    t.notOk(isOneTypoApart(other, 'ACCESS_AGE'), other);
});
