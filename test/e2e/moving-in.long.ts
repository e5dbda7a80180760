import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { FOREIGN_HASHES, FOREIGN_PASSWORD } from '../support/foreign-hashes.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { PROGRAM } from '../support/program.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';

const run = promisify(execFile);
const { PATH = '' } = process.env;
const EXAMPLES = 'docs/examples/users';
const ID = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const CREATED = '2020-01-31T12:00:00Z';
const JOINED = Date.parse(CREATED);
const email = 'ann@example.com';

/** Imports the lines, exports the account, and logs in with the old password. Returns the exported account. */
async function moveIn(t: Test, lines: string, username: string) {
  const DATABASE_URL = await testDatabase(t);
  const env = { DATABASE_URL, DATA_DIR: t.testdir({}), PATH };
  const file = join(env.DATA_DIR, 'users.ndjson');
  await writeFile(file, lines);
  const kinship = (...args: string[]) => run(process.execPath, [...PROGRAM, 'users', ...args], { env });
  t.match((await kinship('import', file)).stdout, /^1 user imported, 0 unchanged, 0 refused/);
  t.match((await kinship('import', file)).stdout, /^0 users imported, 1 unchanged, 0 refused/);
  const { stdout: exported } = await kinship('export');
  const { url } = await startServiceInProcess(t, { ...env, NODE_ENV: 'test' });
  const answer = await fetch(new URL('/auth/login', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: FOREIGN_PASSWORD }),
  });
  t.equal(answer.status, 200, 'the user logs in with the old password');
  const sql = postgres(DATABASE_URL, { max: 1 });
  const [row] = await sql`select password_hash from users`;
  await sql.end();
  t.match(row?.password_hash, /^\$argon2id\$/);
  return JSON.parse(exported);
}

async function convert(t: Test, system: string, dump: unknown, args: readonly string[] = []) {
  const file = join(t.testdir({}), 'dump.json');
  await writeFile(file, JSON.stringify(dump));
  const { stdout } = await run('jq', ['-c', ...args, '-f', `${EXAMPLES}/${system}.jq`, file]);
  return stdout;
}

/** Returns whether PostgreSQL and the program are there. If not, skips the test, or fails it with CI=true. */
async function requireConverter(t: Test, program: 'jq' | 'psql'): Promise<boolean> {
  if (!(await requirePostgres(t))) return false;
  if (spawnSync(program, ['--version']).status === 0) return true;
  skipFor(t, program);
  return false;
}

t.test('a dump of Django is imported, and its users can log in', async (t) => {
  if (!(await requireConverter(t, 'jq'))) return;
  const fields = {
    password: FOREIGN_HASHES.django,
    last_login: null,
    is_superuser: false,
    username: 'Ann Lee',
    first_name: '',
    last_name: '',
    email,
    is_staff: false,
    is_active: true,
    date_joined: CREATED,
    groups: [],
    user_permissions: [],
  };
  const dump = [
    { model: 'auth.permission', pk: 1, fields: { name: 'Can add user', codename: 'add_user' } },
    { model: 'auth.user', pk: 1, fields },
    { model: 'auth.user', pk: 2, fields: { ...fields, username: 'bob', is_active: false } },
  ];
  const user = await moveIn(t, await convert(t, 'django', dump), 'Ann Lee');
  t.match(user, { username: 'Ann Lee', email, emailVerified: false, createdAt: '2020-01-31T12:00:00.000Z' });
  const other = async (password: string) =>
    JSON.parse(await convert(t, 'django', [{ model: 'auth.user', pk: 3, fields: { ...fields, password } }]));
  t.equal((await other(`argon2${FOREIGN_HASHES.argon2i}`)).passwordHash, FOREIGN_HASHES.argon2i);
  t.equal((await other(`bcrypt$${FOREIGN_HASHES.bcrypt}`)).passwordHash, FOREIGN_HASHES.bcrypt);
  t.equal((await other('!unusable')).passwordHash, undefined);
});

for (const [algorithm, credential] of Object.entries(keycloakCredentials()))
  t.test(`an export of Keycloak with ${algorithm} is imported, and its users can log in`, async (t) => {
    if (!(await requireConverter(t, 'jq'))) return;
    const user = {
      id: ID,
      username: 'ann',
      email,
      emailVerified: true,
      enabled: true,
      createdTimestamp: JOINED + 5,
      totp: false,
      credentials: [{ id: 'c1', type: 'otp', secretData: '{}' }, credential],
      requiredActions: [],
      realmRoles: ['default-roles-shop'],
      groups: [],
    };
    const service = { id: 's', username: 'service-account-x', enabled: true, createdTimestamp: 1 };
    const realm = { realm: 'shop', users: [user, service, { ...user, id: 'b', enabled: false }] };
    const moved = await moveIn(t, await convert(t, 'keycloak', realm), 'ann');
    t.match(moved, { id: ID, username: 'ann', emailVerified: true, createdAt: '2020-01-31T12:00:00.000Z' });
    const without = { ...user, credentials: [] };
    const line = JSON.parse(await convert(t, 'keycloak', { users: [without] }));
    t.equal(line.passwordHash, undefined, 'a user without a password');
  });

/** Credentials as Keycloak exports them: the data are JSON in text. */
function keycloakCredentials() {
  const [, , , salt, value] = FOREIGN_HASHES.pbkdf2.split('$');
  const argon2 = FOREIGN_HASHES.argon2i.split('$');
  const credential = (data: object, secret: object) => ({
    id: 'c2',
    type: 'password',
    createdDate: JOINED,
    secretData: JSON.stringify({ ...secret, additionalParameters: {} }),
    credentialData: JSON.stringify(data),
  });
  const additionalParameters = {
    hashLength: ['32'],
    memory: ['1024'],
    type: ['i'],
    version: ['1.3'],
    parallelism: ['1'],
  };
  return {
    'pbkdf2-sha512': credential(
      { hashIterations: 1000, algorithm: 'pbkdf2-sha512', additionalParameters: {} },
      { value, salt },
    ),
    argon2: credential(
      { hashIterations: 2, algorithm: 'argon2', additionalParameters },
      { value: `${argon2[5]}=`, salt: `${argon2[4]}==` },
    ),
  };
}

t.test('the users table of Supabase is imported, and its users can log in', async (t) => {
  if (!(await requireConverter(t, 'psql'))) return;
  const supabase = await testDatabase(t);
  const sql = postgres(supabase, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  const hash = FOREIGN_HASHES.bcrypt.replace('$2b$', '$2a$');
  await sql`create schema auth`;
  await sql`
    create table auth.users (
      instance_id uuid, id uuid primary key, aud text, role text, email text, encrypted_password text,
      email_confirmed_at timestamptz, created_at timestamptz, banned_until timestamptz, deleted_at timestamptz
    )`;
  await sql`
    insert into auth.users (id, email, encrypted_password, email_confirmed_at, created_at, deleted_at) values
      (${ID}, ${email}, ${hash}, now(), ${CREATED}, null),
      (gen_random_uuid(), 'bob@example.com', '', null, now(), now()),
      (gen_random_uuid(), null, '', null, now(), null)`;
  const { stdout } = await run('psql', [supabase, '-qAtf', `${EXAMPLES}/supabase.sql`]);
  const moved = await moveIn(t, stdout, email);
  t.match(moved, { id: ID, username: email, emailVerified: true, createdAt: '2020-01-31T12:00:00.000Z' });
});

t.test('an export of Firebase is imported, and its users can log in', async (t) => {
  if (!(await requireConverter(t, 'jq'))) return;
  const [, , parameters = '', salt = '', hash = ''] = FOREIGN_HASHES.firebase.split('$');
  const urlSafe = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_');
  const user = {
    localId: 'q8Wz2cXJ3hY5dN7bVt1mR4sKpL92',
    email,
    emailVerified: true,
    passwordHash: urlSafe(hash),
    salt: urlSafe(salt),
    displayName: 'Ann',
    createdAt: String(JOINED),
    providerUserInfo: [],
  };
  const anonymous = { localId: 'x', createdAt: '1', providerUserInfo: [] };
  const dump = { users: [user, anonymous, { ...user, email: 'bob@example.com', disabled: true }] };
  const key = /sk=(.*)$/.exec(parameters)?.[1] ?? '';
  const project = { key, separator: 'Bw==', rounds: '8', memory: '4' };
  const args = Object.entries(project).flatMap(([name, value]) => ['--arg', name, value]);
  const moved = await moveIn(t, await convert(t, 'firebase', dump, args), email);
  t.match(moved, { username: email, emailVerified: true, createdAt: '2020-01-31T12:00:00.000Z' });
});
