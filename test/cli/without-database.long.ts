import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { TABLE } from '../../src/adapters/postgres/migrations-table.ts';
import { kinship } from '../support/kinship.ts';
import { migratedDatabase, requirePostgres, testDatabase } from '../support/postgres.ts';

const USER = randomUUID();
/** Every command on stored data. `migrate` and `users import` create the database. */
const COMMANDS = [
  'purge',
  'keys list',
  'keys rotate',
  'keys retire x',
  'keys reseal',
  'users list',
  `users show ${USER}`,
  'users export',
  `users end-sessions ${USER}`,
  `users disable ${USER}`,
  `users enable ${USER}`,
  `users grant operator ${USER}`,
  `users revoke operator ${USER}`,
  `sessions show ${USER}`,
  'audit list',
  'audit verify',
];

t.test('a command on stored data creates no database in a wrong folder, and names the remedy', async (t) => {
  const DATA_DIR = join(t.testdir(), 'data');
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await kinship(command.split(' '), { DATA_DIR });
    t.equal(code, 1, command);
    t.equal(stdout, '', command);
    t.match(stderr, `There is no database in ${join(DATA_DIR, 'pg')}. Run this command in`, command);
    t.notOk(existsSync(DATA_DIR), command);
  }
});

t.test('a command on a database that DATABASE_URL names generates no keys', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATA_DIR = join(t.testdir(), 'data');
  const env = { DATABASE_URL: await migratedDatabase(t), DATA_DIR };
  for (const command of ['users list', `users disable ${USER}`, 'keys list', 'migrate', 'purge'])
    t.equal((await kinship(command.split(' '), env)).code, 0, command);
  t.match(await kinship(['audit', 'verify'], env), {
    code: 1,
    stderr: /without REFRESH_TOKEN_HASH_KEY\. Run/,
  });
  t.notOk(existsSync(DATA_DIR));
});

t.test('a command on a database without tables creates none, and names the remedy', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATABASE_URL = await testDatabase(t);
  for (const command of COMMANDS)
    t.match(
      await kinship(command.split(' '), { DATABASE_URL, DATA_DIR: t.testdir() }),
      {
        code: 1,
        stdout: '',
        stderr:
          /^The database has no tables yet\. If it is .*, run .+ migrate\. Otherwise correct DATABASE_URL\.\n$/,
      },
      command,
    );
  const sql = connect({ kind: 'url', url: DATABASE_URL, pool: 1 });
  t.teardown(() => sql.end());
  t.same(await sql`select from pg_tables where schemaname = 'public'`, []);
});

t.test('a command on the database of an older release does not migrate it', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATABASE_URL = await migratedDatabase(t);
  const sql = connect({ kind: 'url', url: DATABASE_URL, pool: 1 });
  t.teardown(() => sql.end());
  await sql`delete from ${sql(TABLE)} where version = (select max(version) from ${sql(TABLE)})`;
  for (const command of COMMANDS)
    t.match(
      await kinship(command.split(' '), { DATABASE_URL, DATA_DIR: t.testdir() }),
      {
        code: 1,
        stdout: '',
        stderr: /^The database needs 1 migration of this release\. Run .+ migrate\.\n$/,
      },
      command,
    );
});
