import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { PROGRAM } from '../support/program.ts';
import { refusedFiles } from '../support/refused-files.ts';

/** The environment that compose.prod.yml sets if `.env` is empty. */
const PRODUCTION = { NODE_ENV: 'production', PUBLIC_URL: 'http://localhost:3000' };

type Env = Readonly<Record<string, string>>;

/** Runs the command in a folder, and reads the secrets folder of each container. */
function setUp(folder: string, env: Env = {}, own = '') {
  const [from, to] = [join(folder, 'secrets'), join(folder, 'shares')];
  const args = [...PROGRAM, 'setup', '--from', from, '--to', to, '--own', own];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...PRODUCTION, ...env },
  });
  const share = (reader: string) => {
    const names = readdirSync(join(to, reader)).sort();
    return Object.fromEntries(
      names.map((name) => [name, readFileSync(join(to, reader, name), 'utf8').trim()]),
    );
  };
  return { status, stdout, faults: stderr.trim().split('\n'), share, from, to };
}

/** A folder with the secrets of an operator. */
function ownSecrets(t: Test) {
  const folder = t.testdir();
  const { from, to } = setUp(folder);
  rmSync(to, { recursive: true });
  return { folder, from, to };
}

t.test('files with which the service does not start are named', (t) => {
  const { folder, keys, webhooks } = refusedFiles(t);
  const { status, faults, to } = setUp(folder, { ...keys, ...webhooks });
  t.equal(status, 1);
  t.match(faults, [
    /^KEY_SET_FILE is .*, which cannot be used: key 1 must sign: ACCESS_TOKEN_ALG names ES256, but the key is for EdDSA\.$/,
    /^WEBHOOKS_FILE: http:\/\/hooks\.example\.com: /,
  ]);
  t.notOk(existsSync(to));
  t.end();
});

t.test('the ports that compose.prod.yml publishes are checked', (t) => {
  const folder = t.testdir();
  const console = { CONSOLE: 'on', CONSOLE_PORT: '8080' };
  const replicas = { REPLICAS: '2', API_BIND: '127.0.0.1:3000-3001' };
  for (const [env, fault] of [
    [{ PUBLISHED_PORT: '0' }, /^API_PORT is 0, but/],
    [{ PUBLISHED_PORT: '8080', ...console }, /^CONSOLE_PORT is 8080, but/],
    [{ REPLICAS: '2' }, /^REPLICAS is 2, but API_BIND is not set/],
    [{ REPLICAS: '2', API_BIND: '127.0.0.1:3000' }, /^REPLICAS is 2, but API_BIND is 127\.0\.0\.1:3000: /],
    [{ REPLICAS: '3', API_BIND: '[::1]:3000-3001' }, /^REPLICAS is 3, but API_BIND/],
    [{ REPLICAS: '2', API_BIND: 'two' }, /^REPLICAS is 2, but API_BIND is two/],
    [{ ...replicas, ...console }, /^REPLICAS is 2, so CONSOLE_PORT must be blank/],
  ] as const) {
    const { status, faults } = setUp(folder, env);
    t.match({ status, faults }, { status: 1, faults: [fault, /^Correct this/] });
  }
  for (const env of [{ PUBLISHED_PORT: '8081', ...console }, replicas])
    t.match(setUp(folder, env), { status: 0, faults: [''] });
  t.end();
});

t.test('the first start generates all secrets, and a later one keeps them', (t) => {
  const folder = t.testdir();
  const { status, share, to } = setUp(folder);
  t.equal(status, 0);
  t.same(Object.keys(share('app')), [
    'access_token_sign_key',
    'amqp_url',
    'data_encryption_key',
    'key_set_encryption_key',
    'postgres_password',
    'redis_url',
    'refresh_token_hash_key',
    'refresh_token_sign_key',
    'service_api_keys',
  ]);
  t.same(Object.keys(share('postgres')), ['postgres_password', 'postgres_superuser_password']);
  t.same(Object.keys(share('redis')), ['redis_conf']);
  t.same(Object.keys(share('rabbitmq')), ['rabbitmq_conf']);
  t.equal(share('postgres').postgres_password, share('app').postgres_password);
  t.equal(statSync(join(to, 'app/postgres_password')).mode & 0o777, 0o444);
  const before = share('app');
  t.equal(setUp(folder).status, 0);
  t.same(share('app'), before);
  t.end();
});

t.test('a secret of the environment takes precedence until its variable is removed', (t) => {
  const folder = t.testdir();
  const SERVICE_API_KEYS = `backend:login:${'0123456789abcdef'.repeat(2)}`;
  const env = { SERVICE_API_KEYS, OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=x' };
  const { share, stdout } = setUp(folder, env);
  t.match(
    stdout,
    /in use, and from the environment or \.env: OTEL_EXPORTER_OTLP_HEADERS, SERVICE_API_KEYS\.\n$/,
  );
  t.match(share('app'), {
    service_api_keys: SERVICE_API_KEYS,
    otel_exporter_otlp_headers: 'Authorization=x',
  });
  t.match(
    setUp(folder).stdout,
    / Generated secrets are in use\.\nThe secrets have changed\. .* restart redis app\n$/,
  );
  t.match(setUp(folder).stdout, /^The configuration is valid\. Generated secrets are in use\.\n$/);
  t.match(
    setUp(folder, { SMTP_PASSWORD: 'new' }).stdout,
    /\nThe secrets have changed\./,
    'a secret was added',
  );
  t.match(setUp(folder).stdout, /\nThe secrets have changed\./, 'a secret was removed');
  t.not(share('app').service_api_keys, SERVICE_API_KEYS);
  t.notOk('otel_exporter_otlp_headers' in share('app'));
  t.end();
});

t.test('all faults are named together, and no secret is copied to a container', (t) => {
  const { folder, from, to } = ownSecrets(t);
  rmSync(join(from, 'postgres_password'));
  rmSync(join(from, 'refresh_token_hash_key'));
  writeFileSync(join(from, 'redis_conf'), 'requirepass other\n');
  writeFileSync(join(from, 'access_token_sign_key'), 'a'.repeat(80));
  const { status, faults } = setUp(folder, { PUBLIC_URL: 'https://auth.example.com' }, './secrets');
  t.equal(status, 1);
  t.match(faults, [
    /redis_url and .*redis_conf hold different passwords/,
    /^SECRETS_DIR \(\.\/secrets\) has no refresh_token_hash_key, postgres_password\. If these files were there before, /,
    /^SMTP_SERVER is not set/,
    /^SMTP_FROM is not set/,
    /^ACCESS_TOKEN_SIGN_KEY has a weak key/,
    /^Correct this/,
  ]);
  t.throws(() => readdirSync(to));
  t.equal(
    readdirSync(from).includes('postgres_password'),
    false,
    'nothing is added to the secrets of an operator',
  );
  t.end();
});

t.test('an empty SECRETS_DIR gets one line, which says how generated secrets move there', (t) => {
  const { status, faults } = setUp(t.testdir({ secrets: {} }), {}, './secrets');
  t.equal(status, 1);
  t.match(faults, [
    /^SECRETS_DIR \(\.\/secrets\) is an empty folder\. .*clear SECRETS_DIR, start, copy them into the folder/,
    /^Correct this in \.env or in SECRETS_DIR, then start again\.$/,
  ]);
  t.equal(faults.length, 2);
  t.end();
});

t.test('a secret of the operator may have another form than a generated secret', (t) => {
  const { folder, from } = ownSecrets(t);
  writeFileSync(join(from, 'redis_conf'), 'user kinship on >password ~* +@all\n');
  writeFileSync(join(from, 'smtp_password'), 'hunter2\n');
  const env = { SMTP_SERVER: 'smtp.example.com', SMTP_USERNAME: 'kinship', SMTP_FROM: 'auth@example.com' };
  const { status, share } = setUp(folder, env, './secrets');
  t.equal(status, 0);
  t.match(share('redis').redis_conf, /^user kinship/);
  t.equal(share('app').smtp_password, 'hunter2');
  t.end();
});

t.test('a file that cannot be read is named', (t) => {
  const { status, faults } = setUp(t.testdir({ secrets: { smtp_password: {} } }));
  t.equal(status, 1);
  t.match(faults, [/smtp_password cannot be read \(EISDIR\)/]);
  t.end();
});

t.test('a file that is not text is named, and no container gets a part of it', (t) => {
  const { folder, from } = ownSecrets(t);
  writeFileSync(join(from, 'smtp_password'), Buffer.from('geheim-f\u00fcr-uns', 'latin1'));
  const { status, faults, to } = setUp(folder, {}, './secrets');
  t.equal(status, 1);
  t.match(faults, [/smtp_password is not text in UTF-8/]);
  t.notOk(existsSync(to));
  t.end();
});
