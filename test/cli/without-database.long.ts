import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { kinship } from '../support/kinship.ts';
import { migratedDatabase, requirePostgres } from '../support/postgres.ts';

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
