import t from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { rowsOf, runKeys } from '../support/keys-command.ts';
import { migratedDatabase, requirePostgres } from '../support/postgres.ts';

t.test('the list shows a changed key, and a removed key that was restored, as refused', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await migratedDatabase(t);
  const sql = connect({ kind: 'url', url, pool: 1 });
  t.teardown(() => sql.end());
  const KEY_SET_ENCRYPTION_KEY = 'an encryption key of 32 bytes: 9f1b';
  const env = {
    DATABASE_URL: url,
    DATA_DIR: t.testdir(),
    ACCESS_TOKEN_ALG: 'EdDSA',
    KEY_SET_ENCRYPTION_KEY,
  };
  const run = (...command: string[]) => runKeys(env, ...command);
  const ids = async () =>
    (await sql<{ id: string }[]>`select id from signing_keys order by number`).map(({ id }) => id);

  await run('rotate');
  await run('rotate', '--now');
  const [first = '', second = ''] = await ids();
  await sql`create table copy as select * from signing_keys where id = ${first}`;
  t.match(await run('retire', first), { code: 0, log: /"event":"signing_key_retired".*"by":"operator / });
  await sql`insert into signing_keys select * from copy`;
  await sql`update signing_keys set signs_from = signs_from + interval '1 hour' where id = ${second}`;

  t.match(await run('rotate'), { code: 0, text: /is announced, and signs from/ }, 'a refused key is ignored');
  const third = (await ids()).at(-1) ?? '';
  const { code, text } = await run('list');
  t.equal(code, 0);
  t.match(
    text,
    new RegExp(
      `${first} was removed before and was restored in the database. Remove it: .* keys retire ${first}`,
    ),
  );
  t.match(text, `${second} has another number or other times than those it was sealed with. Remove it`);
  const states = rowsOf(text)
    .slice(0, 3)
    .map(([kid, , state]) => [kid, state]);
  t.same(states, [
    [first, 'refused'],
    [second, 'refused'],
    [third, 'signing'],
  ]);

  for (const kid of [first, second])
    t.match(await run('retire', kid), { code: 0, text: `${kid} was removed.\n` }, 'the signing key stays');
  t.same(await ids(), [third]);
  t.match(await run('retire', first), {
    code: 1,
    text: `There is no key ${first}. List the keys to see their ids.\n`,
  });
});
