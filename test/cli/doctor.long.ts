import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { startEmbedded } from '../../src/adapters/postgres/embedded/start.ts';
import { runCheck } from '../../src/cli/doctor/finding.ts';
import { checkDataFolder, checkSpace } from '../../src/cli/doctor/local.ts';
import { findingsFor } from '../../src/cli/doctor.ts';
import { readConfig } from '../../src/config.ts';
import { StoreUnavailable } from '../../src/ports/stores/store-unavailable.ts';
import { interruptIndex } from '../support/invalid-index.ts';
import { runKeys } from '../support/keys-command.ts';
import { kinship } from '../support/kinship.ts';
import { PLAIN, serveMail } from '../support/mail-server.ts';
import { freePort } from '../support/ports.ts';
import { migratedDatabase, requirePostgres, testDatabase } from '../support/postgres.ts';
import { requireRabbit } from '../support/rabbit.ts';
import { requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';
import { refusedFiles } from '../support/refused-files.ts';
import { dataDir } from '../support/service-in-process.ts';

/** The findings of the doctor, as `state: found` by the name of the check. */
async function diagnose(t: Test, env: Record<string, string>, clock = Date.now) {
  const folder = await dataDir(t);
  const read = () => readConfig({ DATA_DIR: join(folder, 'data'), ...env }, folder, { createKeys: false });
  const findings = await findingsFor(read, clock);
  t.same(readdirSync(folder), [], 'nothing is written');
  for (const { check, state, remedy } of findings) t.equal(remedy === '', state === 'ok', check);
  return Object.fromEntries(findings.map(({ check, state, found }) => [check, `${state}: ${found}`]));
}

t.test('the doctor finds no fault in the defaults before the first start', async (t) => {
  t.match(await diagnose(t, {}), {
    origins: /^ok/,
    'secret keys': 'ok: generated in DATA_DIR at the first start',
    'data folder': /^ok: .*data is writable, created at the first start/,
    'disk space': /^(ok|warn): \d+ MiB free/,
    database: /^ok: embedded, in .*pg, created at the first start/,
    'key set': /^ok: not used/,
    mail: /^ok: written to files/,
  });
});

t.test('the doctor names files with which the service does not start', async (t) => {
  const { keys, webhooks } = refusedFiles(t);
  t.match(await diagnose(t, keys), { 'key set': /^fail: .*ACCESS_TOKEN_ALG names ES256/ });
  t.match(await diagnose(t, webhooks), {
    configuration: /^fail: WEBHOOKS_FILE: http:\/\/hooks\.example\.com: /,
  });
});

t.test('the doctor reports a line of .env without effect as a warning beside a fault', async (t) => {
  const folder = t.testdir({ '.env': 'API_PORT=many\nSESION_COOKIES=on\n' });
  const findings = await findingsFor(() => readConfig({}, folder, { createKeys: false }), Date.now);
  t.match(findings, [
    { state: 'fail', found: /^API_PORT is "many"/ },
    { state: 'warn', found: /^SESION_COOKIES in \.env has no effect/ },
  ]);
  t.equal(findings.length, 2);
});

t.test(
  'the doctor reads an embedded database that runs, and reports a database that does not run',
  async (t) => {
    const folder = await dataDir(t);
    const database = await startEmbedded(folder);
    t.teardown(() => database.close());
    t.match(await diagnose(t, { DATA_DIR: folder }), {
      database: /embedded$/,
      schema: 'warn: no tables yet',
    });
    const killed = t.testdir({ pg: { PG_VERSION: '18' }, 'pg.socket': '/nowhere/.s.PGSQL.5432' });
    t.match(await diagnose(t, { DATA_DIR: killed }), { database: /^ok: .*, not running/ });
  },
);

t.test(
  'the doctor accepts PostgreSQL with all tables, and names missing tables, edited migrations and a server that does not answer',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const DATABASE_URL = await migratedDatabase(t);
    t.match(await diagnose(t, { DATABASE_URL }), {
      database: /^ok: PostgreSQL \d+.*, UTF8$/,
      'database role': 'ok: postgres',
      clock: /^ok: differs from the database by 0\.\d s/,
      schema: 'ok: up to date',
      pooler: /^ok/,
    });
    const secrets = parseEnv((await kinship(['secrets'])).stdout) as Record<string, string>;
    t.match(
      await diagnose(t, { ...secrets, DATABASE_URL, NODE_ENV: 'production', PUBLIC_URL: 'http://localhost' }),
      {
        'database role': /^warn: postgres is a superuser/,
      },
    );
    const ahead = () => Date.now() + 60_000;
    t.match(await diagnose(t, { DATABASE_URL }, ahead), {
      clock: /^fail: differs from the database by (59|60)\.\d s/,
    });
    t.match(await diagnose(t, { DATABASE_URL: await testDatabase(t) }), { schema: 'warn: no tables yet' });

    const sql = connect({ kind: 'url', url: DATABASE_URL, pool: 1 });
    await sql`update kinship_migrations set md5 = 'other' where version = 2`;
    t.match(await diagnose(t, { DATABASE_URL }), { schema: 'fail: migrations edited after they ran: 2' });
    await sql`delete from kinship_migrations where version > 1`;
    t.match(await diagnose(t, { DATABASE_URL }), { schema: /^warn: \d+ migrations due/ });
    await sql.end();

    const away = `postgres://postgres@127.0.0.1:${await freePort()}/none`;
    t.match(await diagnose(t, { DATABASE_URL: away }), { database: /^fail: connect ECONNREFUSED/ });
  },
);

t.test('the doctor reports an invalid index with the statement that mends it', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await migratedDatabase(t);
  const read = () =>
    readConfig({ DATABASE_URL: url, DATA_DIR: t.testdir() }, process.cwd(), { createKeys: false });
  const findIndexes = async () =>
    (await findingsFor(read, Date.now)).filter(({ check }) => check === 'indexes');
  t.same(await findIndexes(), []);
  const sql = connect({ kind: 'url', url, pool: 1 });
  t.teardown(() => sql.end({ timeout: 1 }));
  await sql`drop index users_by_age`;
  await interruptIndex(
    url,
    'users',
    'create index concurrently users_by_age on users (created_at desc, id desc)',
  );
  t.match(await findIndexes(), [
    {
      state: 'warn',
      found: 'public.users_by_age is invalid and not used',
      remedy: 'run in psql: reindex index concurrently public.users_by_age',
    },
  ]);
  await interruptIndex(url, 'users', 'reindex index concurrently public.users_by_age');
  const remedies = (await findIndexes()).map(({ remedy }) => remedy.replace('run in psql: ', ''));
  t.equal(remedies.length, 2);
  t.ok(remedies.includes('drop index concurrently public.users_by_age_ccnew'));
  for (const remedy of remedies) await sql.unsafe(remedy);
  t.same(await findIndexes(), []);
});

t.test(
  'the doctor distinguishes an empty key set, a set that signs, and a set under another encryption key',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const keys = { KEY_SET_ENCRYPTION_KEY: 'k0'.repeat(20), ACCESS_TOKEN_ALG: 'EdDSA' };
    const env = { ...keys, DATABASE_URL: await migratedDatabase(t), DATA_DIR: t.testdir() };
    t.match(await diagnose(t, env), { 'key set': 'ok: empty: the first start generates a key' });
    t.equal((await runKeys(env, 'rotate')).code, 0);
    t.match(await diagnose(t, env), {
      'key set': /^ok: \S+ \(EdDSA\) has signed for 0 days/,
      'secret keys': 'ok: generated in DATA_DIR at the first start',
    });
    const read = () => readConfig(env, process.cwd(), { createKeys: false });
    const findings = await findingsFor(read, () => Date.now() + 86_400_000);
    t.match(findings.find(({ check }) => check === 'key set')?.found, /has signed for 1 day$/);
    t.match(await diagnose(t, { ...env, KEY_SET_ENCRYPTION_KEY: 'other'.repeat(20) }), {
      'key set': /^fail: /,
    });
  },
);

t.test(
  'the doctor accepts a Redis primary, warns of an eviction policy, and fails for a replica and for a server that does not answer',
  async (t) => {
    if (!requirePrivateRedis(t)) return;
    const primary = await startPrivateRedis(t, ['--maxmemory', '64mb']);
    t.match(await diagnose(t, { REDIS_URL: primary.url }), {
      Redis: /^ok: Redis [\d.]+, a primary/,
      'Redis memory': /^ok: maxmemory 67108864 bytes, noeviction/,
    });
    const { port } = new URL(primary.url);
    const replica = await startPrivateRedis(t, [
      '--replicaof',
      '127.0.0.1',
      port,
      '--maxmemory-policy',
      'allkeys-lru',
      '--maxmemory',
      '64mb',
    ]);
    t.match(await diagnose(t, { REDIS_URL: replica.url }), {
      Redis: /^fail: .*a replica/,
      'Redis memory': /^warn: .*allkeys-lru/,
    });
    await primary.kill();
    t.match(await diagnose(t, { REDIS_URL: primary.url }), {
      Redis: /^fail: .*ECONNREFUSED 127\.0\.0\.1:\d+/,
    });
  },
);

t.test('the doctor accepts RabbitMQ if it answers, and reports a failure if not', async (t) => {
  const AMQP_URL = await requireRabbit(t);
  if (AMQP_URL === null) return;
  t.match(await diagnose(t, { AMQP_URL }), {
    RabbitMQ: /^ok: reachable; the exchange kinship (exists|is declared)/,
  });
  t.match(await diagnose(t, { AMQP_URL: `amqp://127.0.0.1:${await freePort()}` }), {
    RabbitMQ: /^fail: .*ECONNREFUSED/,
  });
});

t.test(
  'the doctor names a mail server without TLS, with an untrusted certificate, or without an answer',
  async (t) => {
    const smtp = (port: number) => ({
      SMTP_SERVER: '127.0.0.1',
      SMTP_PORT: String(port),
      SMTP_FROM: 'a@example.com',
    });
    const plain = await serveMail(t, PLAIN);
    t.match(await diagnose(t, smtp(plain.port)), { mail: /^warn: 127\.0\.0\.1:\d+ offers no TLS/ });
    const secure = await serveMail(t, { authOptional: true, disableReverseLookup: true });
    t.match(await diagnose(t, smtp(secure.port)), { mail: /^fail: .*(certificate|self.signed)/ });
    t.same([plain.received, secure.received], [[], []], 'no mail is sent');
    t.match(await diagnose(t, smtp(await freePort())), { mail: /^fail: .*ECONNREFUSED/ });
  },
);

t.test('variables that contradict each other are warnings, and faults are failures', async (t) => {
  t.match(await diagnose(t, { PUBLIC_URL: 'https://auth.example.com' }), {
    proxy: /^warn: .*TRUST_PROXY names no proxy/,
  });
  t.match(await diagnose(t, { API_HOST: '0.0.0.0' }), { 'public URL': /^warn: API_HOST is 0\.0\.0\.0/ });
  t.match(await diagnose(t, { API_PORT: 'x' }), { configuration: /^fail: API_PORT is "x"/ });
});

t.test('a data folder that cannot be written is a failure only if the service uses it', async (t) => {
  const read = (env: Record<string, string>) => readConfig(env, '/', { createKeys: false });
  const { database, mail } = await read({ DATABASE_URL: 'postgres://127.0.0.1/kinship', MAIL: 'off' });
  const development = await read({});
  const dataDir = join(t.testdir({ file: '' }), 'file', 'data');
  const config = { dataDir, production: true, database, mail };
  t.match(await checkDataFolder(config), [{ state: 'ok', found: /^not used/ }]);
  for (const used of [{ production: false }, { database: development.database }, { mail: development.mail }])
    await t.rejects(checkDataFolder({ ...config, ...used }), { code: 'ENOTDIR' });
});

t.test('a check that hangs or throws is a failure', async (t) => {
  const [hung] = await runCheck('one', 'mend it', () => new Promise(() => {}), 10);
  t.same(hung, { check: 'one', state: 'fail', found: 'no answer within 0.01 s', remedy: 'mend it' });
  const cause = new Error('the\nreason');
  const [thrown] = await runCheck('two', 'mend it', () => Promise.reject(new Error('it failed', { cause })));
  t.equal(thrown?.found, 'it failed the reason');
  const outage = new StoreUnavailable('nothing', new Error('role "kinship" does not exist'));
  const [refused] = await runCheck('three', 'mend it', () => Promise.reject(outage));
  t.equal(refused?.found, 'role "kinship" does not exist', 'without the sentence for clients');
  t.match(
    [checkSpace(2 ** 40), checkSpace(2 ** 29), checkSpace(2 ** 20)],
    [{ state: 'ok' }, { state: 'warn' }, { state: 'fail' }],
  );
});

t.test(
  'the command prints a table or JSON, does not wait for a server that hangs, and exits with 1 after a failure',
  async (t) => {
    const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    t.teardown(() => silent.close());
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const DATA_DIR = join(t.testdir(), 'data');
    const sound = await kinship(['doctor'], { DATA_DIR });
    t.match(sound, { code: 0, stdout: /^check +state +found +how to mend it\n/, stderr: '' });
    const hung = {
      DATA_DIR,
      AMQP_URL: `amqp://127.0.0.1:${port}`,
      DATABASE_URL: `postgres://127.0.0.1:${port}/none`,
    };
    const { code, stdout } = await kinship(['doctor', '--json'], hung);
    t.equal(code, 1);
    const failed = JSON.parse(stdout).checks.filter(({ state }: { state: string }) => state === 'fail');
    t.same(failed.map(({ check }: { check: string }) => check).sort(), ['RabbitMQ', 'database']);
  },
);
