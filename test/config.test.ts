import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import t, { type Test } from 'tap';
import { Environment, SECRETS } from '../src/config/schema.ts';
import { type Config, ConfigurationError, readConfig } from '../src/config.ts';

type Env = Record<string, string>;

const KEYS = ['a', 'b', 'c'].map(
  (prefix) => `${prefix}-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ`,
);
const [ACCESS = '', REFRESH = '', HASH = ''] = KEYS;
const keys = { ACCESS_TOKEN_SIGN_KEY: ACCESS, REFRESH_TOKEN_SIGN_KEY: REFRESH, REFRESH_TOKEN_HASH_KEY: HASH };
const SERVICE_KEY = 'backend:login+admin:0123456789abcdef0123456789abcdef';
const production: Env = {
  ...keys,
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://auth.example.com',
  DATABASE_URL: 'postgres://kinship:secret@db:5432/kinship',
  SMTP_SERVER: 'smtp.example.com',
  SMTP_FROM: 'auth@example.com',
};

const read = (t: Test, env: Env): Promise<Config> => readConfig(env, t.testdir());

async function faultsOf(t: Test, env: Env): Promise<readonly string[]> {
  try {
    await read(t, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
}

t.test('defaults are enough', async (t) => {
  const folder = t.testdir();
  const config = await readConfig({}, folder);
  t.match(config, {
    production: false,
    logLevel: 'info',
    dataDir: join(folder, 'data'),
    http: {
      host: '127.0.0.1',
      port: 3000,
      publicUrl: null,
      trustProxy: [],
      corsOrigins: [],
      loginByUserId: 'local',
    },
    tokens: { issuers: ['kinship'], audiences: ['kinship'], jtiHash: 'hmac-sha512' },
    argon2: { memory: 19456, time: 2, parallelism: 1 },
    policy: {
      accessTokenAge: 900_000,
      refreshTokenAge: 2_592_000_000,
      sessionMaxAge: 7_776_000_000,
      retryWindow: 0,
      clockSkew: 5_000,
      onAddressChange: 'notify',
      onUserAgentChange: 'ignore',
    },
    database: { kind: 'embedded' },
    mail: { kind: 'files', receiver: null },
    warnings: [],
  });
  t.ok(Object.isFrozen(config));
});

t.test('keys are made once, kept closed, and all different', async (t) => {
  const folder = t.testdir();
  const [first, second] = [await readConfig({}, folder), await readConfig({}, folder)];
  t.same(first.tokens, second.tokens);
  const ids = [first.tokens.accessKeys, first.tokens.refreshKeys, first.tokens.hashKeys].map(
    ([key]) => key?.id,
  );
  t.equal(new Set(ids).size, 3);
  const kept = join(folder, 'data/keys/access_token_sign_key');
  t.equal(statSync(kept).mode & 0o777, 0o600);
  t.equal(statSync(join(folder, 'data/keys')).mode & 0o777, 0o700);
  t.ok(readFileSync(kept).length >= 64);
});

t.test('values', async (t) => {
  const config = await read(t, {
    ...keys,
    ACCESS_TOKEN_SIGN_KEY: `${ACCESS}x,${ACCESS}`,
    API_HOST: '0.0.0.0',
    API_PORT: '0',
    PUBLIC_URL: 'https://auth.example.com/',
    TOKEN_AUDIENCE: 'new, old',
    TRUST_PROXY: '10.0.0.0/8, ::1',
    CORS_ORIGINS: 'https://app.example.com',
    SERVICE_API_KEYS: `${SERVICE_KEY},metrics:metrics:a:secret:with:colons:of:32:bytes:or:more`,
    ACCESS_TOKEN_AGE: '30s',
    SESSION_MAX_AGE: '7d',
    POSTGRES_HOST: 'db',
    POSTGRES_USER: 'me',
    POSTGRES_PASSWORD: 'p@ss/word',
    SMTP_SERVER: 'mail',
    SMTP_PORT: '1025',
    SMTP_FROM: 'auth@example.com',
    SMTP_USERNAME: 'me',
    SMTP_PASSWORD: 'secret',
  });
  t.match(config.http, {
    host: '0.0.0.0',
    port: 0,
    publicUrl: 'https://auth.example.com',
    trustProxy: ['10.0.0.0/8', '::1'],
    corsOrigins: ['https://app.example.com'],
    loginByUserId: 'key',
  });
  t.same(
    config.http.serviceKeys.map(({ name, scopes }) => [name, scopes]),
    [
      ['backend', ['login', 'admin']],
      ['metrics', ['metrics']],
    ],
  );
  t.equal(config.http.serviceKeys[1]?.secret, 'a:secret:with:colons:of:32:bytes:or:more');
  t.equal(config.tokens.accessKeys.length, 2);
  t.same([config.tokens.issuers, config.tokens.audiences], [['https://auth.example.com'], ['new', 'old']]);
  t.match(config.policy, { accessTokenAge: 30_000, sessionMaxAge: 604_800_000 });
  t.same(config.database, { kind: 'url', url: 'postgres://me:p%40ss%2Fword@db:5432/me', pool: 4 });
  t.match(config.mail, { kind: 'smtp', host: 'mail', port: 1025, username: 'me', password: 'secret' });
  t.same((await read(t, { MAIL: 'off' })).mail, { kind: 'off' });
});

t.test('the environment wins over .env, and blank is unset', async (t) => {
  const folder = t.testdir({ '.env': 'API_PORT=4001\nAPI_HOST=127.0.0.2\nLOG_LEVEL=\n' });
  const config = await readConfig({ API_PORT: '4002', API_HOST: ' ' }, folder);
  t.match(config, { logLevel: 'info', http: { port: 4002, host: '127.0.0.2' } });
});

t.test('secrets from files', async (t) => {
  const folder = t.testdir({ key: `${ACCESS}\n`, url: 'postgres://db/kinship\n' });
  const env = { ...keys, ACCESS_TOKEN_SIGN_KEY: '', ACCESS_TOKEN_SIGN_KEY_FILE: join(folder, 'key') };
  const config = await readConfig({ ...env, DATABASE_URL_FILE: join(folder, 'url') }, folder);
  t.equal(Buffer.from(config.tokens.accessKeys[0]?.bytes ?? []).toString(), ACCESS);
  t.match(config.database, { url: 'postgres://db/kinship' });
  t.match(await faultsOf(t, { ...env, ACCESS_TOKEN_SIGN_KEY: ACCESS }), [
    /ACCESS_TOKEN_SIGN_KEY_FILE are both set/,
  ]);
  t.match(await faultsOf(t, { SMTP_PASSWORD_FILE: join(folder, 'none') }), [
    /SMTP_PASSWORD_FILE got .*ENOENT/,
  ]);
});

const wrong: [Env, RegExp][] = [
  [{ NODE_ENV: 'prod' }, /^NODE_ENV got "prod" and wants one of/],
  [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL/],
  [{ API_PORT: '65536' }, /^API_PORT got "65536" and wants a whole number from 0 to 65535/],
  [{ API_PORT: 'http' }, /^API_PORT/],
  [{ PUBLIC_URL: 'auth.example.com' }, /^PUBLIC_URL/],
  [{ PUBLIC_URL: 'https://auth.example.com/path' }, /^PUBLIC_URL/],
  [{ PUBLIC_URL: 'ftp://auth.example.com' }, /^PUBLIC_URL/],
  [{ TRUST_PROXY: 'true' }, /^TRUST_PROXY/],
  [{ TRUST_PROXY: '10.0.0.0/33' }, /^TRUST_PROXY/],
  [{ TRUST_PROXY: '10.0.0.0/8/8' }, /^TRUST_PROXY/],
  [{ CORS_ORIGINS: '*' }, /^CORS_ORIGINS/],
  [{ LOGIN_BY_USER_ID: 'yes' }, /^LOGIN_BY_USER_ID/],
  [{ SERVICE_API_KEYS: 'backend:login:short' }, /^SERVICE_API_KEYS got "entry 1, not shown"/],
  [{ SERVICE_API_KEYS: 'backend:root:0123456789abcdef0123456789abcdef' }, /^SERVICE_API_KEYS/],
  [{ SERVICE_API_KEYS: ':login:0123456789abcdef0123456789abcdef' }, /^SERVICE_API_KEYS/],
  [{ SERVICE_API_KEYS: `${SERVICE_KEY},${SERVICE_KEY}` }, /^SERVICE_API_KEYS got "one name twice"/],
  [{ ACCESS_TOKEN_ALG: 'none' }, /^ACCESS_TOKEN_ALG/],
  [{ ...keys, ACCESS_TOKEN_SIGN_KEY: 'short' }, /^ACCESS_TOKEN_SIGN_KEY got a key of 5 bytes/],
  [{ ...keys, ACCESS_TOKEN_SIGN_KEY: HASH }, /the same key is given twice/],
  [{ JTI_HASH: 'md5' }, /^JTI_HASH/],
  [{ ARGON2_MEMORY: '1' }, /^ARGON2_MEMORY/],
  [{ ACCESS_TOKEN_AGE: '15' }, /^ACCESS_TOKEN_AGE got "15" and wants a duration/],
  [{ ACCESS_TOKEN_AGE: '0s' }, /^ACCESS_TOKEN_AGE/],
  [{ ACCESS_TOKEN_AGE: '2h', REFRESH_TOKEN_AGE: '1h' }, /^ACCESS_TOKEN_AGE got "2h" and wants no more/],
  [{ REFRESH_RETRY_WINDOW: '-1s' }, /^REFRESH_RETRY_WINDOW/],
  [{ ON_IP_CHANGE: 'panic' }, /^ON_IP_CHANGE/],
  [{ DATABASE_URL: 'mysql://u:hidden@db/x' }, /^DATABASE_URL got "\(not shown\)"/],
  [{ DATABASE_POOL: '0' }, /^DATABASE_POOL/],
  [{ POSTGRES_HOST: 'db', POSTGRES_PORT: 'x' }, /^POSTGRES_PORT/],
  [{ MAIL: 'on' }, /^MAIL/],
  [{ SMTP_SERVER: 'mail' }, /^SMTP_FROM/],
  [{ SMTP_SERVER: 'mail', SMTP_FROM: 'a@example.com,b@example.com' }, /^SMTP_FROM/],
  [{ SMTP_RECEIVER: 'Ann <ann@example.com>' }, /^SMTP_RECEIVER/],
  [{ ...production, LOGIN_BY_USER_ID: 'open' }, /^LOGIN_BY_USER_ID got "open" and wants/],
  [{ ...production, PUBLIC_URL: 'http://auth.example.com' }, /^PUBLIC_URL .* in production/],
  [{ ...production, PUBLIC_URL: '' }, /^PUBLIC_URL/],
  [{ ...production, SMTP_SERVER: '' }, /^SMTP_SERVER .* or MAIL=off/],
  [{ ...production, ACCESS_TOKEN_SIGN_KEY: '' }, /^ACCESS_TOKEN_SIGN_KEY is not set/],
  [{ ...production, REFRESH_TOKEN_HASH_KEY: 'ab'.repeat(40) }, /^REFRESH_TOKEN_HASH_KEY got a weak key/],
];

for (const [env, fault] of wrong) {
  t.test(`a fault: ${JSON.stringify(env).slice(0, 80)}`, async (t) => {
    const faults = await faultsOf(t, env);
    t.equal(faults.length, 1, faults.join('\n'));
    t.match(faults[0], fault);
  });
}

t.test('production', async (t) => {
  const config = await read(t, production);
  t.match(config, { production: true, http: { loginByUserId: 'key' }, warnings: [] });
  t.notOk(existsSync(join(config.dataDir, 'keys')), 'no keys are made');
  t.equal((await read(t, { ...production, SMTP_SERVER: '', MAIL: 'off' })).mail.kind, 'off');
  t.equal((await read(t, { ...production, DATABASE_URL: '' })).warnings.length, 1);
});

t.test('all faults at once, and no secret in them', async (t) => {
  const secret = 'hunter2';
  const env = Object.fromEntries(SECRETS.map((name) => [name, secret]));
  const faults = await faultsOf(t, { ...env, API_PORT: 'x', LOG_LEVEL: 'x' });
  t.ok(faults.length >= 6, faults.join('\n'));
  t.notMatch(faults.join('\n'), secret);
});

t.test('.env.example names every variable, and works as it stands', async (t) => {
  const text = readFileSync('.env.example', 'utf8');
  const example = parseEnv(text);
  t.same(Object.keys(example).sort(), Object.keys(Environment.properties).sort());
  const folder = t.testdir({ '.env': text });
  t.same((await readConfig({}, folder)).policy, (await readConfig({}, t.testdir({}))).policy);
});

t.test('keys that cannot be kept are a fault of the folder', async (t) => {
  const folder = t.testdir({ data: 'a file where a folder is due' });
  chmodSync(join(folder, 'data'), 0o600);
  writeFileSync(join(folder, 'data'), 'x');
  await t.rejects(readConfig({}, folder));
});
