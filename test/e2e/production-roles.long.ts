import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { requirePrivatePostgres, startPrivatePostgres } from '../support/private-postgres.ts';
import { requirePrivateRabbit, startPrivateRabbit } from '../support/private-rabbit.ts';
import { PROGRAM } from '../support/program.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';

const run = promisify(execFile);
const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

t.test('the service works as a role that is no superuser', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  const { url, port } = await startPrivatePostgres(t);
  const folder = await mkdtemp(join(tmpdir(), 'kinship-roles-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const password = `it's a password`;
  await writeFile(join(folder, 'password'), password);
  await run('docker/postgres-init.sh', {
    env: {
      PATH: process.env.PATH,
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      POSTGRES_USER: new URL(url).username,
      KINSHIP_PASSWORD_FILE: join(folder, 'password'),
    },
  });
  const DATABASE_URL = `postgres://kinship:${encodeURIComponent(password)}@127.0.0.1:${port}/kinship`;
  const service = await startServiceInProcess(t, { DATA_DIR: await dataDir(t), DATABASE_URL, MAIL: 'off' });
  const login = await fetch(`${service.url}/auth/login?userId=${USER}`, { method: 'POST' });
  t.equal(login.status, 200);
  const sql = connect({ kind: 'url', url: DATABASE_URL, pool: 1 });
  t.teardown(() => sql.end());
  const [role] = await sql<[{ can: boolean }]>`
    select rolsuper or rolcreaterole or rolcreatedb as can from pg_roles where rolname = current_user`;
  t.equal(role.can, false);
});

t.test('the manual turns the superuser of an older deployment into a role without its rights', async (t) => {
  if (!requirePrivatePostgres(t)) return;
  const { url, port } = await startPrivatePostgres(t);
  const admin = connect({ kind: 'url', url, pool: 1 });
  t.teardown(() => admin.end());
  await admin`create role kinship superuser login`;
  await admin`create database kinship owner kinship encoding 'UTF8' template template0`;
  const DATABASE_URL = `postgres://kinship:new@127.0.0.1:${port}/kinship`;
  const old = connect({ kind: 'url', url: DATABASE_URL, pool: 1 });
  await migrate(old);
  await old.end();

  const manual = await readFile('docs/database.md', 'utf8');
  const [, text = ''] = /## Roles of the service\n.*?```sql\n(.*?)```/s.exec(manual) ?? [];
  t.match(text, 'alter database');
  const statements = text.replaceAll("'PASSWORD'", "'new'");
  const inKinship = new URL(url);
  inKinship.pathname = '/kinship';
  await run('psql', ['-v', 'ON_ERROR_STOP=1', inKinship.href, '-c', statements]);

  const service = await startServiceInProcess(t, { DATA_DIR: await dataDir(t), DATABASE_URL, MAIL: 'off' });
  const login = await fetch(`${service.url}/auth/login?userId=${USER}`, { method: 'POST' });
  t.equal(login.status, 200);
  const foreign = await admin<{ name: string }[]>`
    select rolname as name from pg_roles where rolname = 'kinship' and rolsuper`;
  t.same(foreign, []);
  const own = connect({ kind: 'url', url: inKinship.href, pool: 1 });
  t.teardown(() => own.end());
  const others = await own<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace
      and relkind in ('r', 'S') and pg_get_userbyid(relowner) <> 'kinship'`;
  t.same(others, [], 'the service owns its tables');
});

t.test('the user of the service in RabbitMQ is no administrator', async (t) => {
  if (!requirePrivateRabbit(t)) return;
  const folder = join(t.testdir(), 'secrets');
  await run(process.execPath, [...PROGRAM, 'secrets', '--write', folder]);
  const rabbit = await startPrivateRabbit(t, await readFile(join(folder, 'rabbitmq_conf'), 'utf8'));
  t.match(await rabbit.control('-q', 'list_users'), /^kinship\t\[\]$/m);
  const { username, password } = new URL(await readFile(join(folder, 'amqp_url'), 'utf8'));
  const AMQP_URL = `amqp://${username}:${password}@127.0.0.1:${rabbit.port}`;
  const service = await startServiceInProcess(t, { DATA_DIR: await dataDir(t), AMQP_URL, MAIL: 'off' });
  t.equal((await fetch(`${service.url}/health/ready`)).status, 200);
  t.match(await rabbit.control('-q', 'list_exchanges'), /^kinship/m);
});
