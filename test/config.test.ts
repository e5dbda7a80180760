import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import t, { type Test } from 'tap';
import { Environment, SECRETS } from '../src/config/schema.ts';
import { type Config, ConfigurationError, readConfig } from '../src/config.ts';
import { ATTEMPT_POLICY } from '../src/domain/attempts.ts';
import { evalArguments, modulePath } from './support/program.ts';

type Env = Record<string, string>;

const KEYS = ['a', 'b', 'c', 'd'].map(
  (prefix) => `${prefix}-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ`,
);
const [ACCESS = '', REFRESH = '', HASH = '', DATA = ''] = KEYS;
const keys = {
  ACCESS_TOKEN_SIGN_KEY: ACCESS,
  REFRESH_TOKEN_SIGN_KEY: REFRESH,
  REFRESH_TOKEN_HASH_KEY: HASH,
  DATA_ENCRYPTION_KEY: DATA,
};
const SERVICE_KEY = 'backend:login+admin:0123456789abcdef0123456789abcdef';
const CORS_ORIGINS = [
  'https://app.example.com',
  'https://*.example.com',
  'https://*.xn--bcher-kva.example:8443',
  'http://*.localhost:3000',
  'capacitor://localhost',
  'tauri://localhost',
  'ionic://localhost',
  'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
  'moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc',
];
const production: Env = {
  ...keys,
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://auth.example.com',
  DATABASE_URL: 'postgres://kinship:secret@db:5432/kinship',
  SMTP_SERVER: 'smtp.example.com',
  SMTP_FROM: 'auth@example.com',
};

const read = (t: Test, env: Env, folder = t.testdir()): Promise<Config> => readConfig(env, folder);

async function faultsOf(t: Test, env: Env, folder = t.testdir()): Promise<readonly string[]> {
  try {
    await read(t, env, folder);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
}

t.test('the defaults are a valid configuration', async (t) => {
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
      accountPages: true,
      trustProxy: { length: 0 },
      corsOrigins: { length: 0 },
      loginByUserId: 'local',
      frontDoors: ['session-id', 'cookie-pair', 'task-api'],
      rateLimit: 100,
      metricsPort: null,
    },
    tokens: { issuers: ['kinship'], audiences: ['kinship'], jtiHash: 'hmac-sha512' },
    argon2: { memory: 19456, time: 2, parallelism: 1 },
    policy: {
      accessTokenAge: 900_000,
      refreshTokenAge: 2_592_000_000,
      sessionMaxAge: 7_776_000_000,
      sessionShortAge: 43_200_000,
      stepUpMaxAge: 600_000,
      sessionsPerUser: 50,
      retryWindow: 0,
      clockSkew: 5_000,
      onAddressChange: 'notify',
      onUserAgentChange: 'ignore',
      onNewDevice: 'notify',
    },
    limits: {
      attempts: ATTEMPT_POLICY,
      registrations: { count: 20, perMilliseconds: 3_600_000 },
      resetMails: { count: 3, perMilliseconds: 3_600_000 },
    },
    emailVerification: 'optional',
    breaches: null,
    database: { kind: 'embedded' },
    brokerUrl: null,
    webhooks: { allowedNetworks: { length: 0 } },
    mail: { kind: 'files', receiver: null },
    warnings: { length: 0 },
  });
  t.ok(Object.isFrozen(config));
});

t.test('keys are generated once, are readable by their owner only, and differ from each other', async (t) => {
  const folder = t.testdir();
  const [first, second] = [await readConfig({}, folder), await readConfig({}, folder)];
  t.same(first.tokens, second.tokens);
  const { accessKeys, refreshKeys, hashKeys } = first.tokens;
  const ids = [accessKeys, refreshKeys, hashKeys, first.dataKeys].map(([key]) => key?.id);
  t.equal(new Set(ids).size, 4);
  const keyFile = join(folder, 'data/keys/access_token_sign_key');
  t.equal(statSync(keyFile).mode & 0o777, 0o600);
  t.equal(statSync(join(folder, 'data/keys')).mode & 0o777, 0o700);
  t.ok(readFileSync(keyFile).length >= 64);
  t.same(readdirSync(join(folder, 'data/keys')).length, 4, 'no draft is left behind');
});

t.test('many concurrent first starts use the same keys', async (t) => {
  const folder = t.testdir();
  // After a warm-up, all processes read the configuration at the same thirty moments, each time of a new folder.
  const script = `import { readConfig } from '${modulePath('src/config.ts')}';
    const [folder, warmUp, moment] = process.argv.slice(1);
    await readConfig({}, folder + warmUp);
    for (let round = 1; round <= 30; round += 1) {
      while (Date.now() < Number(moment) + 30 * round);
      const { tokens } = await readConfig({}, folder + '/' + round);
      console.log([tokens.accessKeys, tokens.refreshKeys, tokens.hashKeys].map(([key]) => key?.id).join());
    }`;
  const moment = String(Date.now() + 2_000);
  const starts = ['/a', '/b', '/c'].map((warmUp) => {
    const args = [...evalArguments(script), folder, warmUp, moment];
    return promisify(execFile)(process.execPath, args);
  });
  const [first, ...others] = (await Promise.all(starts)).map(({ stdout }) => stdout);
  t.match(first, /^([\w-]{8},[\w-]{8},[\w-]{8}\n){30}$/);
  for (const other of others) t.equal(other, first);
});

t.test('a damaged stored key is refused', async (t) => {
  const folder = t.testdir({ data: { keys: { refresh_token_hash_key: '' } } });
  t.match(await faultsOf(t, {}, folder), [/^REFRESH_TOKEN_HASH_KEY in ".*" has a key of 0 bytes/]);
});

t.test('variables set their values, in normalized form', async (t) => {
  const config = await read(t, {
    ...keys,
    ACCESS_TOKEN_SIGN_KEY: `${ACCESS}x, ${ACCESS}`,
    API_HOST: '0.0.0.0',
    API_PORT: '0',
    METRICS_PORT: '9464',
    PUBLIC_URL: 'https://Auth.example.com:443/',
    TOKEN_AUDIENCE: 'new, old',
    TRUST_PROXY: '10.0.0.0/8, ::1',
    CORS_ORIGINS: CORS_ORIGINS.join(', ').replace('xn--bcher-kva', 'Bücher'),
    SESSION_COOKIES: 'on',
    SERVICE_API_KEYS: `${SERVICE_KEY},metrics:metrics:a:secret:with:colons:of:32:bytes:or:more`,
    ACCESS_TOKEN_AGE: '30s',
    SESSION_MAX_AGE: '7d',
    SESSION_SHORT_AGE: '8h',
    STEP_UP_MAX_AGE: '5m',
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
    metricsPort: 9464,
    publicUrl: 'https://auth.example.com',
    trustProxy: ['10.0.0.0/8', '::1'],
    corsOrigins: CORS_ORIGINS,
    sessionCookies: true,
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
  t.same(
    config.tokens.accessKeys.map(({ bytes }) => Buffer.from(bytes).toString()),
    [`${ACCESS}x`, ACCESS],
  );
  t.same([config.tokens.issuers, config.tokens.audiences], [['https://auth.example.com'], ['new', 'old']]);
  t.match(config.policy, {
    accessTokenAge: 30_000,
    sessionMaxAge: 604_800_000,
    sessionShortAge: 28_800_000,
    stepUpMaxAge: 300_000,
  });
  t.same(config.database, {
    kind: 'url',
    url: 'postgres://me:p%40ss%2Fword@db:5432/me',
    pool: 4,
    pooler: 'session',
    schema: null,
  });
  t.match(config.mail, { kind: 'smtp', host: 'mail', port: 1025, username: 'me', password: 'secret' });
  t.same((await read(t, { MAIL: 'off' })).mail, { kind: 'off' });
  const AMQP_URL = 'amqps://me:p%40ss@broker:5671/my%2Fevents';
  t.equal((await read(t, { AMQP_URL })).brokerUrl, AMQP_URL);
  t.match((await read(t, { POSTGRES_HOST: '::1' })).database, {
    url: 'postgres://postgres@[::1]:5432/postgres',
  });
});

t.test('the default of LOGIN_BY_USER_ID depends on the host and the public URL', async (t) => {
  const modeAt = async (API_HOST: string) => (await read(t, { ...keys, API_HOST })).http.loginByUserId;
  for (const host of ['localhost', '127.0.0.2', '::1']) t.equal(await modeAt(host), 'local', host);
  for (const host of ['0.0.0.0', '::', '127.example.com']) t.equal(await modeAt(host), 'key', host);
  const modeBehind = async (PUBLIC_URL: string) =>
    (await read(t, { ...keys, PUBLIC_URL })).http.loginByUserId;
  t.equal(await modeBehind('https://auth.example.com'), 'key', 'a proxy on this machine would look local');
  t.equal(await modeBehind('http://[::1]:3000'), 'local');
});

t.test(
  'FRONT_DOORS names the open front doors; by default all are open in development, and none in production',
  async (t) => {
    const doorsOf = async (FRONT_DOORS: string, more: Env = {}) =>
      (await read(t, { ...keys, ...more, FRONT_DOORS })).http.frontDoors;
    t.same(await doorsOf(''), ['session-id', 'cookie-pair', 'task-api'], 'all in development');
    t.same(await doorsOf('', production), [], 'none in production');
    t.same(await doorsOf('task-api, task-api', production), ['task-api']);
    t.same(await doorsOf('session-id,cookie-pair', production), ['session-id', 'cookie-pair']);
    t.same(await doorsOf('off'), []);
  },
);

t.test('the environment takes precedence over .env, and a blank value counts as unset', async (t) => {
  const folder = t.testdir({ '.env': 'API_PORT=4001\nAPI_HOST=127.0.0.2\nLOG_LEVEL=\nDATABASE_URL=wrong\n' });
  const config = await readConfig({ API_PORT: '4002', DATABASE_URL: ' ' }, folder);
  t.match(config, {
    logLevel: 'info',
    http: { port: 4002, host: '127.0.0.2' },
    database: { kind: 'embedded' },
  });
});

t.test('a .env file that cannot be read is a fault', async (t) => {
  t.match(await faultsOf(t, {}, t.testdir({ '.env': {} })), [/^\.env is .*EISDIR/]);
});

t.test('a misspelled variable in .env is named, and a name of another program is not', async (t) => {
  const folder = t.testdir({ '.env': 'ACCES_TOKEN_AGE=5m\nCOMPOSE_PROJECT_NAME=x\n' });
  const { warnings } = await readConfig({}, folder);
  t.same(warnings, ['ACCES_TOKEN_AGE in .env has no effect: the variable is ACCESS_TOKEN_AGE.']);
});

t.test('without mails no address needs a verification', async (t) => {
  t.match(await read(t, { ...keys, MAIL: 'off' }), { emailVerification: 'off' });
  t.match(await read(t, { ...keys, MAIL: 'off', EMAIL_VERIFICATION: 'optional' }), {
    emailVerification: 'off',
  });
  t.match(await read(t, keys), { emailVerification: 'optional' });
});

t.test('a line of .env that is no assignment is named, and the other lines take effect', async (t) => {
  for (const line of ['CONSOLE on', 'CONSOLE: on', 'CONSOLE', 'this is hunter2']) {
    const text = `\n# "a"\n${line}\nSESSION_COOKIES=on # a "comment"\n`;
    const { warnings, http } = await readConfig({}, t.testdir({ '.env': text }));
    t.same(warnings, ['Line 3 of .env has no effect: it does not have the form NAME=value.'], line);
    t.match(http, { sessionCookies: true, console: null, port: 3000 });
  }
});

t.test('a quote in .env without an end does not hide the next lines', async (t) => {
  const text = `API_PORT="3301\n# a "comment"\nSERVICE_NAME='tis\nSESSION_COOKIES=on\n`;
  await t.rejects(readConfig({}, t.testdir({ '.env': text })), { message: /^API_PORT is "\\"3301"/ });
  const { http } = await readConfig({}, t.testdir({ '.env': text.replace('"3301', '3301') }));
  t.match(http, { port: 3301, serviceName: "'tis", sessionCookies: true });
});

t.test('a .env file may have comments, blank lines, quotes and export', async (t) => {
  const text =
    '\n# API_PORT\r\n \texport\tAPI_PORT = "3301" # "the port"\nSERVICE_NAME=\'A "b"\'\nMAIL= \t\nCORS_ORIGINS="https://a.example,\nhttps://b.example"\nDPOP=\n#';
  const { warnings, http } = await readConfig({}, t.testdir({ '.env': text }));
  t.same(warnings, []);
  t.match(http, {
    port: 3301,
    serviceName: 'A "b"',
    corsOrigins: ['https://a.example', 'https://b.example'],
  });
});

t.test('a fault is reported together with the lines of .env without effect', async (t) => {
  const folder = t.testdir({ '.env': 'ACCESS_TOKEN_SIGN_KEY: x\n' });
  await t.rejects(readConfig({ NODE_ENV: 'production' }, folder), {
    message: /^ACCESS_TOKEN_SIGN_KEY is not set.*^Line 1 of \.env has no effect/ms,
    warnings: [/^Line 1 of \.env has no effect/],
  });
});

t.test('a secret can be in the file whose path is in NAME_FILE', async (t) => {
  const folder = t.testdir({ key: `${ACCESS}\n`, url: 'postgres://db/kinship\n', empty: '\n' });
  const env = { ...keys, ACCESS_TOKEN_SIGN_KEY: '', ACCESS_TOKEN_SIGN_KEY_FILE: join(folder, 'key') };
  const config = await readConfig({ ...env, DATABASE_URL_FILE: 'url' }, folder);
  t.equal(Buffer.from(config.tokens.accessKeys[0]?.bytes ?? []).toString(), ACCESS);
  t.match(config.database, { url: 'postgres://db/kinship' });
  t.match(await faultsOf(t, { ...env, ACCESS_TOKEN_SIGN_KEY: ACCESS }, folder), [
    /ACCESS_TOKEN_SIGN_KEY_FILE are both set/,
  ]);
  t.match(await faultsOf(t, { SMTP_PASSWORD_FILE: 'none' }, folder), [/SMTP_PASSWORD_FILE is .*ENOENT/]);
  t.match(await faultsOf(t, { SMTP_PASSWORD_FILE: 'empty' }, folder), [
    /SMTP_PASSWORD_FILE is .*, an empty file/,
  ]);
});

t.test('a secret that was set in NAME_FILE by mistake is not shown', async (t) => {
  const folder = t.testdir({ secrets: {} });
  for (const secret of ['hunter2', ACCESS, 'postgres://kinship:hunter2@db/kinship', '/hunter2', 'hun/ter2']) {
    const faults = await faultsOf(t, { DATABASE_URL_FILE: secret }, folder);
    t.match(faults, [/^DATABASE_URL_FILE is "\(not shown\)" \(EN\w+\), but must be a readable file/]);
    t.notMatch(faults.join('\n'), secret);
  }
  t.match(await faultsOf(t, { DATABASE_URL_FILE: 'secrets/url' }, folder), [/is "secrets\/url" \(ENOENT\)/]);
});

t.test('a secret of bytes that are not text is refused', async (t) => {
  const folder = t.testdir();
  const files = {
    binary: Buffer.from(Array.from({ length: 64 }, (_, index) => (index * 37 + 129) & 255)),
    utf16: Buffer.from(`\ufeff${ACCESS}`, 'utf16le'),
    latin1: Buffer.from(`${ACCESS}ü`, 'latin1'),
    withNul: Buffer.from(`${ACCESS}\0`),
  };
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(folder, name), bytes);
    const env = { ...keys, ACCESS_TOKEN_SIGN_KEY: '', ACCESS_TOKEN_SIGN_KEY_FILE: name };
    t.match(
      await faultsOf(t, env, folder),
      [/^ACCESS_TOKEN_SIGN_KEY_FILE is ".*" \(not text in UTF-8\)/],
      name,
    );
  }
  writeFileSync(join(folder, 'text'), `\ufeff${ACCESS}ü\r\n`);
  const env = { ...keys, ACCESS_TOKEN_SIGN_KEY: '', ACCESS_TOKEN_SIGN_KEY_FILE: 'text' };
  const { tokens } = await read(t, env, folder);
  t.equal(Buffer.from(tokens.accessKeys[0]?.bytes ?? []).toString(), `${ACCESS}ü`);
});

t.test('secrets can be files in SECRETS_DIR', async (t) => {
  const folder = t.testdir({
    secrets: { access_token_sign_key: `${ACCESS}\n`, smtp_password: 'x', empty: {} },
  });
  const env = { ...keys, ACCESS_TOKEN_SIGN_KEY: '', SECRETS_DIR: 'secrets', ...smtp, SMTP_USERNAME: 'me' };
  const config = await readConfig(env, folder);
  t.equal(Buffer.from(config.tokens.accessKeys[0]?.bytes ?? []).toString(), ACCESS);
  t.match(config.mail, { password: 'x' });
  t.match(await faultsOf(t, { ...env, SMTP_PASSWORD: 'y' }, folder), [
    /^SMTP_PASSWORD and its file in SECRETS_DIR are both set/,
  ]);
  const named = { ...env, SMTP_PASSWORD_FILE: 'other' };
  const faulty = t.testdir({ secrets: { access_token_sign_key: ACCESS, smtp_password: 'x' }, other: 'y' });
  t.match((await readConfig(named, faulty)).mail, { password: 'y' }, 'NAME_FILE comes first');
  const bad = t.testdir({ secrets: { amqp_url: {}, redis_url: '\n' } });
  t.match(await faultsOf(t, { ...keys, SECRETS_DIR: 'secrets' }, bad), [
    /^REDIS_URL in SECRETS_DIR is .*, an empty file/,
    /^AMQP_URL in SECRETS_DIR is .*EISDIR/,
  ]);
  t.match(await faultsOf(t, { ...keys, SECRETS_DIR: 'none' }, bad), [
    /^SECRETS_DIR is "none", but must be a folder/,
  ]);
});

const smtp: Env = { SMTP_SERVER: 'mail', SMTP_FROM: 'a@example.com' };

/** The environment, its first fault, and the number of faults if there is more than one. */
const FAULTY: [Env, RegExp, number?][] = [
  [{ NODE_ENV: 'prod' }, /^NODE_ENV is "prod", but must be one of/],
  [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL/],
  [{ API_PORT: '65536' }, /^API_PORT is "65536", but must be a whole number from 0 to 65535/],
  [{ API_PORT: 'http' }, /^API_PORT/],
  [{ METRICS_PORT: 'on' }, /^METRICS_PORT is "on", but must be a whole number/],
  [
    { METRICS_PORT: '3000' },
    /^METRICS_PORT is "3000", but must be another port than 3000, on which the service listens/,
  ],
  [{ CONSOLE: 'yes' }, /^CONSOLE is "yes", but must be one of on, off/],
  [
    { CONSOLE: 'on', CONSOLE_PORT: '3000' },
    /^CONSOLE_PORT is "3000", but must be another port than 3000, on which the service listens/,
  ],
  [
    { CONSOLE: 'on', CONSOLE_PORT: '4000', METRICS_PORT: '4000' },
    /^CONSOLE_PORT is "4000", but must be another port than METRICS_PORT/,
  ],
  [{ API_HOST: 'http://localhost' }, /^API_HOST/],
  [{ LOG_LEVEL: 'x'.repeat(1_000) }, /^LOG_LEVEL is "x{300}…", but must be/],
  [{ LOG_LEVEL: 'two\nlines' }, /^LOG_LEVEL is "two\\nlines"/],
  [{ PUBLIC_URL: 'auth.example.com' }, /^PUBLIC_URL/],
  [{ PUBLIC_URL: 'https://auth.example.com/path' }, /^PUBLIC_URL/],
  [{ PUBLIC_URL: 'ftp://auth.example.com' }, /^PUBLIC_URL/],
  [{ PUBLIC_URL: 'http://localhost:0' }, /^PUBLIC_URL .* with a port other than 0/],
  [{ TRUST_PROXY: 'true' }, /^TRUST_PROXY .* if every peer were trusted/],
  [{ TRUST_PROXY: '0.0.0.0/0' }, /^TRUST_PROXY/],
  [
    { WEBHOOKS_FILE: 'missing.json' },
    /^WEBHOOKS_FILE is ".*missing.json \(ENOENT\)", but must be a readable JSON file/,
  ],
  [{ WEBHOOKS_ALLOW_PRIVATE: 'intranet' }, /^WEBHOOKS_ALLOW_PRIVATE is "intranet", but must be addresses/],
  [{ TRUST_PROXY: 'fe80::1%eth0' }, /^TRUST_PROXY/],
  [{ TRUST_PROXY: '10.0.0.0/' }, /^TRUST_PROXY/],
  [{ TRUST_PROXY: '10.0.0.0/33' }, /^TRUST_PROXY/],
  [{ TRUST_PROXY: '10.0.0.0/8/8' }, /^TRUST_PROXY/],
  [{ CORS_ORIGINS: '*' }, /^CORS_ORIGINS/],
  ...[
    'https://app.example.com/?',
    'https://*',
    'https://*.com',
    'https://*.*.example.com',
    'https://app.*.example.com',
    'https://*app.example.com',
    'https://*.10.0.0.1',
    'https://*.example.com/path',
    'https://user@*.example.com',
    'null',
    'file://',
    'chrome-extension://*',
    'capacitor://localhost/',
    'javascript://localhost',
    'wss://app.example.com',
  ].map((origin): [Env, RegExp] => [{ CORS_ORIGINS: origin }, /^CORS_ORIGINS/]),
  [{ LOGIN_BY_USER_ID: 'yes' }, /^LOGIN_BY_USER_ID/],
  [{ USER_ID_FORMAT: 'ulid' }, /^USER_ID_FORMAT is "ulid", but must be one of uuid, text/],
  [{ LOGIN_BY_USER_ID: 'local', PUBLIC_URL: 'https://auth.example.com' }, /^LOGIN_BY_USER_ID is "local"/],
  [{ SERVICE_API_KEYS: SERVICE_KEY.replace('backend', 'kinship') }, /kinship is reserved/],
  [{ SERVICE_API_KEYS: SERVICE_KEY.replace('backend', 'Kinship') }, /kinship is reserved in any letter case/],
  [
    { SERVICE_API_KEYS: `${SERVICE_KEY},KINSHIP:admin:${'k'.repeat(32)}` },
    /^SERVICE_API_KEYS has an invalid entry 2 \(not shown\)/,
  ],
  [{ FRONT_DOORS: 'task-api,back-door' }, /^FRONT_DOORS is "task-api,back-door", but must be one or more of/],
  [{ FRONT_DOORS: ',' }, /^FRONT_DOORS/],
  [
    { PASSKEY_RP_ID: 'https://example.com' },
    /^PASSKEY_RP_ID is "https:\/\/example.com", but must be a host name/,
    2,
  ],
  [{ PASSKEY_ORIGINS: 'app.example.com' }, /^PASSKEY_ORIGINS is "app.example.com", but must be an origin/],
  [
    {
      PUBLIC_URL: 'https://auth.example.com',
      PASSKEY_RP_ID: 'example.com',
      PASSKEY_ORIGINS: 'https://example.org',
    },
    /^PASSKEY_ORIGINS is "https:\/\/example.org", but must be origins whose host is PASSKEY_RP_ID \(example.com\)/,
  ],
  [
    { LEGACY_DOORS_SKIP_SECOND_FACTOR: 'yes' },
    /^LEGACY_DOORS_SKIP_SECOND_FACTOR is "yes", but must be one of false, true/,
  ],
  [{ RATE_LIMIT: '0' }, /^RATE_LIMIT is "0", but must be a whole number from 1/],
  [{ SERVICE_API_KEYS: 'backend:login:short' }, /^SERVICE_API_KEYS has an invalid entry 1 \(not shown\)/],
  [{ SERVICE_API_KEYS: 'backend:root:0123456789abcdef0123456789abcdef' }, /^SERVICE_API_KEYS/],
  [{ SERVICE_API_KEYS: ':login:0123456789abcdef0123456789abcdef' }, /^SERVICE_API_KEYS/],
  [{ SERVICE_API_KEYS: `${SERVICE_KEY},${SERVICE_KEY}` }, /^SERVICE_API_KEYS has the same name twice/, 2],
  [
    { SERVICE_API_KEYS: `${SERVICE_KEY},${SERVICE_KEY.replace('backend', 'other')}` },
    /^SERVICE_API_KEYS has the same secret twice/,
  ],
  [{ SERVICE_API_KEYS: `backend:login:${'ü'.repeat(32)}` }, /^SERVICE_API_KEYS/],
  [
    { ACCESS_TOKEN_ALG: 'none' },
    /^ACCESS_TOKEN_ALG is "none", but must be one of HS512, EdDSA, ES256, RS256/,
  ],
  [{ KEY_SET_ROTATE_AFTER: 'never' }, /^KEY_SET_ROTATE_AFTER/],
  [{ KEY_SET_MAX_AGE: '0s' }, /^KEY_SET_MAX_AGE/],
  [{ KEY_SET_ENCRYPTION_KEY: 'short' }, /^KEY_SET_ENCRYPTION_KEY has a key of 5 bytes, but needs 32 or more/],
  [{ ...keys, ACCESS_TOKEN_SIGN_KEY: 'short' }, /^ACCESS_TOKEN_SIGN_KEY has a key of 5 bytes/],
  [
    { ...keys, ACCESS_TOKEN_SIGN_KEY: HASH },
    /^ACCESS_TOKEN_SIGN_KEY and REFRESH_TOKEN_HASH_KEY have the same key: /,
  ],
  [
    { ...keys, ACCESS_TOKEN_SIGN_KEY: `${ACCESS},${ACCESS}` },
    /^ACCESS_TOKEN_SIGN_KEY lists the same key twice: /,
  ],
  [{ TOKEN_ISSUER: ',' }, /^TOKEN_ISSUER/],
  [{ JTI_HASH: 'md5' }, /^JTI_HASH/],
  [{ ARGON2_MEMORY: '1' }, /^ARGON2_MEMORY/],
  [{ ACCESS_TOKEN_AGE: '15' }, /^ACCESS_TOKEN_AGE is "15", but must be a duration/],
  [{ AUDIT_KEEP: '36501d' }, /^AUDIT_KEEP is "36501d", but must be a duration .*, from 1d to 36500d/],
  [{ AUDIT_KEEP: '1h' }, /^AUDIT_KEEP is "1h", but must be a duration .*, from 1d to 36500d/],
  [
    { LOGIN_NETWORK_LIMIT: '20/36501d' },
    /^LOGIN_NETWORK_LIMIT .* a duration .*, the duration at most 36500d/,
  ],
  [{ ACCESS_TOKEN_AGE: '0s' }, /^ACCESS_TOKEN_AGE/],
  [{ ACCESS_TOKEN_AGE: '2h', REFRESH_TOKEN_AGE: '1h' }, /^ACCESS_TOKEN_AGE is "2h", but must be no more/],
  [{ REFRESH_TOKEN_AGE: 'long' }, /^REFRESH_TOKEN_AGE/],
  [{ REFRESH_RETRY_WINDOW: '-1s' }, /^REFRESH_RETRY_WINDOW/],
  [{ ON_IP_CHANGE: 'panic' }, /^ON_IP_CHANGE/],
  [
    { LOGIN_ACCOUNT_LIMIT: '5' },
    /^LOGIN_ACCOUNT_LIMIT is "5", but must be a number and a duration such as 20\/1h/,
  ],
  [{ LOGIN_ACCOUNT_LIMIT: '0/1h' }, /^LOGIN_ACCOUNT_LIMIT/],
  [{ LOGIN_NETWORK_LIMIT: '20/0s' }, /^LOGIN_NETWORK_LIMIT/],
  [{ LOGIN_NETWORK_LIMIT: '20/1y' }, /^LOGIN_NETWORK_LIMIT/],
  [{ LOGIN_NETWORK_LIMIT: '20/15m' }, /^LOGIN_LONGEST_WAIT is "15m", but must be less than the durations/],
  [{ LOGIN_LONGEST_WAIT: '24h' }, /^LOGIN_LONGEST_WAIT is "24h", but must be less than the durations/],
  [{ LOGIN_LONGEST_WAIT: '0s' }, /^LOGIN_LONGEST_WAIT is "0s", but must be a duration .*, from 1s to/],
  [{ LOGIN_RATE_LIMIT: '0/1m' }, /^LOGIN_RATE_LIMIT/],
  [{ REVOCATIONS_CONSUMERS: '0' }, /^REVOCATIONS_CONSUMERS is "0", but must be a whole number from 1/],
  [{ LOGIN_RATE_NETWORK_LIMIT: '300' }, /^LOGIN_RATE_NETWORK_LIMIT/],
  [{ REGISTER_LIMIT: 'off' }, /^REGISTER_LIMIT/],
  [{ REGISTER_LIMIT: '20/1h/1h' }, /^REGISTER_LIMIT/],
  [{ ON_NEW_DEVICE: 'block' }, /^ON_NEW_DEVICE/],
  [{ PASSWORD_BREACH_URL: 'ftp://breaches' }, /^PASSWORD_BREACH_URL/],
  [{ PASSWORD_BREACH_FILE: 'missing.txt' }, /^PASSWORD_BREACH_FILE is "missing.txt \(ENOENT\)"/],
  [
    { PASSWORD_BREACH_FILE: '/' },
    /^PASSWORD_BREACH_FILE is "\/ \(not a file\)", but must be a file of SHA-1/,
  ],
  [{ PASSWORD_BREACH_URL: 'http://breaches', PASSWORD_BREACH_FILE: '.' }, /^PASSWORD_BREACH_URL and/],
  [{ SESSIONS_PER_USER: '0' }, /^SESSIONS_PER_USER is "0", but must be a whole number from 1 to 1000/],
  [{ SESSIONS_PER_USER: '1001' }, /^SESSIONS_PER_USER is "1001"/],
  [{ ACCOUNT_PAGES: 'yes' }, /^ACCOUNT_PAGES/],
  [{ EMAIL_VERIFICATION: 'yes' }, /^EMAIL_VERIFICATION/],
  [{ EMAIL_VERIFICATION: 'required', MAIL: 'off' }, /^EMAIL_VERIFICATION/],
  [{ PASSWORD_FORGOT_LIMIT: '-3/1h' }, /^PASSWORD_FORGOT_LIMIT/],
  [{ DATABASE_URL: 'mysql://u:hidden@db/x' }, /^DATABASE_URL has an invalid value \(not shown\)/],
  [{ DATABASE_URL: 'postgres:///kinship' }, /^DATABASE_URL/],
  [{ DATABASE_URL: 'postgres://kinship:hidden@one,:5432/kinship' }, /^DATABASE_URL names no host\.$/],
  [
    { DATABASE_URL: 'postgres://kinship:hidden@db/kinship?pgbouncer=true' },
    /^DATABASE_URL has the parameter pgbouncer: set DATABASE_POOLER=transaction instead\.$/,
  ],
  [
    { DATABASE_URL: 'postgres://kinship:hidden@db/kinship?schema=auth' },
    /^DATABASE_URL has the parameter schema: set DATABASE_SCHEMA instead\.$/,
  ],
  [
    { DATABASE_URL: 'postgres://kinship:hidden@db/kinship?channel_binding=require' },
    /^DATABASE_URL has the parameter channel_binding: only disable or prefer is supported\.$/,
  ],
  [
    { DATABASE_URL: 'postgres://kinship:hidden@db/kinship?DateStyle=German' },
    /^DATABASE_URL has the parameter DateStyle: it is not supported\.$/,
  ],
  [
    { DATABASE_URL: 'postgres://kinship:hidden@db/kinship?options=-c%20datestyle%3DGerman' },
    /^DATABASE_URL has options with datestyle, which the service sets itself\.$/,
  ],
  [
    { DATABASE_URL: 'postgres://db/kinship?sslmode=prefer' },
    /^DATABASE_URL has an unsupported sslmode: use one of/,
  ],
  [
    { DATABASE_URL: 'postgres://db/kinship?sslmode=verify' },
    /^DATABASE_URL has an unsupported sslmode: use one of/,
  ],
  [
    { DATABASE_URL: 'postgres://db/kinship?sslrootcert=/none.pem' },
    /^DATABASE_URL has sslrootcert, whose file cannot be read \(ENOENT\)\.$/,
  ],
  [
    { DATABASE_URL: 'postgres://db/kinship?target_session_attrs=standby' },
    /^DATABASE_URL has an unsupported target_session_attrs: use any, read-write or primary/,
  ],
  [
    { POSTGRES_HOST: 'db', DATABASE_POOLER: 'statement' },
    /^DATABASE_POOLER is "statement", but must be one of session, transaction/,
  ],
  [{ POSTGRES_HOST: 'db', DATABASE_SCHEMA: 'pg_own' }, /^DATABASE_SCHEMA/],
  [{ POSTGRES_HOST: 'db', DATABASE_SCHEMA: 'own"' }, /^DATABASE_SCHEMA/],
  [{ POSTGRES_HOST: 'db', DATABASE_POOL: '0' }, /^DATABASE_POOL/],
  [
    { POSTGRES_HOST: 'db', WORKERS: '0' },
    /^WORKERS is "0", but must be a whole number from 1 to 64, or auto/,
  ],
  [{ POSTGRES_HOST: 'db', WORKERS: '65' }, /^WORKERS/],
  [{ WORKERS: '2' }, /^WORKERS is "2", but must be 1 with the embedded database/],
  [{ REDIS_URL: 'http://u:hidden@cache' }, /^REDIS_URL has an invalid value \(not shown\)/],
  [
    { REDIS_URL: 'redis://cache/abc' },
    /^REDIS_URL has an invalid value \(not shown\): it must be .* the number of a database/,
  ],
  [{ REDIS_URL: 'redis://cache/1/2' }, /^REDIS_URL/],
  [{ REDIS_URL: 'redis://u:100%@cache' }, /^REDIS_URL/],
  [{ REDIS_URL: 'redis+sentinel://cache/0' }, /^REDIS_URL/],
  ...[
    'redis://?db=1',
    'redis://one,two:6379',
    'redis://cache%00/0',
    'redis://u:p%00@cache',
    'redis://cache:0',
  ].map((REDIS_URL): [Env, RegExp] => [{ REDIS_URL }, /^REDIS_URL has an invalid value \(not shown\)/]),
  ...['amqp://one,two', 'amqp://u%00:p@broker', 'amqp://broker/a%00b', 'amqp://broker:0'].map(
    (AMQP_URL): [Env, RegExp] => [{ AMQP_URL }, /^AMQP_URL has an invalid value \(not shown\)/],
  ),
  [{ AMQP_URL: 'http://u:hidden@broker' }, /^AMQP_URL has an invalid value \(not shown\)/],
  [{ AMQP_URL: 'amqp:///events' }, /^AMQP_URL/],
  [{ AMQP_URL: 'amqp://broker/a/b' }, /^AMQP_URL/],
  [{ AMQP_URL: 'amqp://u:100%@broker' }, /^AMQP_URL/],
  [{ POSTGRES_HOST: 'db/x' }, /^POSTGRES_HOST/],
  [{ POSTGRES_HOST: 'db', POSTGRES_PORT: 'x' }, /^POSTGRES_PORT/],
  [{ MAIL: 'on' }, /^MAIL/],
  [{ SMTP_SERVER: 'mail' }, /^SMTP_FROM/],
  [{ SMTP_SERVER: 'mail', SMTP_FROM: 'a@example.com,b@example.com' }, /^SMTP_FROM/],
  [{ ...smtp, SMTP_FROM: 'Ann' }, /^SMTP_FROM is "Ann", but must be a mailbox such as/],
  [{ ...smtp, SMTP_FROM: 'Ann\r\nBcc: b@example.com <a@example.com>' }, /^SMTP_FROM/],
  [{ ...smtp, SMTP_SERVER: 'smtp://me:hunter2@mail' }, /^SMTP_SERVER is "smtp:…@mail"/],
  [{ ...smtp, SMTP_SERVER: 'mail:587' }, /^SMTP_SERVER is "mail:587", .*: the port goes to SMTP_PORT\.$/],
  [{ POSTGRES_HOST: 'db:5433' }, /^POSTGRES_HOST is "db:5433", .*: the port goes to POSTGRES_PORT\.$/],
  [{ API_HOST: '127.0.0.1:80' }, /^API_HOST is "127.0.0.1:80", .*: the port goes to API_PORT\.$/],
  [{ API_HOST: 'fe80::1%1' }, /^API_HOST .*, and nothing else\.$/],
  [{ ...smtp, SMTP_USERNAME: 'me' }, /^SMTP_PASSWORD is not set/],
  [{ ...smtp, SMTP_PASSWORD: 'x' }, /^SMTP_USERNAME is not set/],
  [{ SERVICE_NAME: 'a\u200bb' }, /^SERVICE_NAME is/],
  [{ SERVICE_NAME: 'x'.repeat(65) }, /^SERVICE_NAME is/],
  [{ ...smtp, SMTP_NAME: 'a b' }, /^SMTP_NAME is "a b", but must be a host name or an IP address/],
  [{ ...smtp, SMTP_PORT: '0' }, /^SMTP_PORT/],
  [{ SMTP_RECEIVER: 'Ann <ann@example.com>' }, /^SMTP_RECEIVER/],
  [{ ...production, LOGIN_BY_USER_ID: 'open' }, /^LOGIN_BY_USER_ID is "open", but must be/],
  [{ ...production, LOGIN_BY_USER_ID: 'local' }, /^LOGIN_BY_USER_ID is "local", but must be/],
  [{ ...production, PUBLIC_URL: 'http://auth.example.com' }, /^PUBLIC_URL .* in production/],
  [{ ...production, PUBLIC_URL: '' }, /^PUBLIC_URL is not set, but must/],
  [{ ...production, PUBLIC_URL: 'auth' }, /^PUBLIC_URL is "auth"/],
  [{ ...production, SMTP_SERVER: '' }, /^SMTP_SERVER .* or MAIL=off/],
  [{ ...production, SMTP_SERVER: '', SMTP_FROM: '' }, /^SMTP_SERVER/, 2],
  [{ ...production, PUBLIC_URL: 'http://localhost.example.com' }, /^PUBLIC_URL .* in production/],
  [{ ...production, ACCESS_TOKEN_SIGN_KEY: '' }, /^ACCESS_TOKEN_SIGN_KEY is not set/],
  [
    { ...production, ACCESS_TOKEN_ALG: 'EdDSA' },
    /^KEY_SET_ENCRYPTION_KEY is not set\. Take the line KEY_SET_ENCRYPTION_KEY from the output of npm run secrets/,
  ],
  [
    { ...production, DATA_ENCRYPTION_KEY: '' },
    /^DATA_ENCRYPTION_KEY is not set\. Take the line DATA_ENCRYPTION_KEY from the output of npm run secrets/,
  ],
  [{ ...production, REFRESH_TOKEN_HASH_KEY: 'short' }, /^REFRESH_TOKEN_HASH_KEY has a key of 5 bytes/],
  [{ ...production, REFRESH_TOKEN_HASH_KEY: 'ab'.repeat(40) }, /^REFRESH_TOKEN_HASH_KEY has a weak key/],
  [{ ...production, REFRESH_TOKEN_HASH_KEY: `${HASH}-change-me` }, /^REFRESH_TOKEN_HASH_KEY has a weak key/],
];

for (const [env, fault, count = 1] of FAULTY) {
  t.test(`this environment is refused: ${JSON.stringify(env).slice(0, 80)}`, async (t) => {
    const faults = await faultsOf(t, env);
    t.equal(faults.length, count, faults.join('\n'));
    t.match(faults[0], fault);
  });
}

t.test('production with explicit keys is valid, and generates no keys', async (t) => {
  const config = await read(t, production);
  const hexadecimal = '0123456789abcd'.repeat(5).slice(0, 64);
  await t.resolves(
    read(t, { ...production, ACCESS_TOKEN_SIGN_KEY: hexadecimal }),
    'a hexadecimal key without two of the digits is not weak',
  );
  t.match(config, { production: true, http: { loginByUserId: 'key' }, warnings: { length: 0 } });
  t.notOk(existsSync(join(config.dataDir, 'keys')), 'no keys are made');
  t.equal((await read(t, { ...production, SMTP_SERVER: '', MAIL: 'off' })).mail.kind, 'off');
  t.equal((await read(t, { ...production, DATABASE_URL: '' })).warnings.length, 1);
});

t.test('production on a loopback origin needs neither https nor a mail server', async (t) => {
  const { SMTP_SERVER, SMTP_FROM, ...rest } = production;
  for (const PUBLIC_URL of ['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000']) {
    const { http, mail, warnings } = await read(t, { ...rest, PUBLIC_URL });
    t.equal(http.publicUrl, PUBLIC_URL);
    t.equal(mail.kind, 'off');
    t.match(warnings, [/^SMTP_SERVER is not set, so no mails are sent/]);
  }
  const { mail, warnings } = await read(t, { ...production, PUBLIC_URL: 'http://localhost:3000' });
  t.equal(mail.kind, 'smtp');
  t.match(warnings, { length: 1, 0: /^PUBLIC_URL is a loopback origin, so links in mails/ });
});

t.test('signing keys are in the database or in KEY_SET_FILE', async (t) => {
  const folder = t.testdir();
  const keySetOf = async (env: Env) => (await readConfig({ ...keys, ...env }, folder)).keySet;
  const plain = { alg: null, file: null, encryptionKeys: [], maxAge: 300_000, rotateAfter: 2_592_000_000 };
  t.same(await keySetOf({}), plain);
  t.notOk(
    existsSync(join(folder, 'data/keys')),
    'without an algorithm for signing keys, no encryption key is made',
  );
  t.match(await keySetOf({ ACCESS_TOKEN_ALG: 'RS256', KEY_SET_FILE: 'keys.json', KEY_SET_MAX_AGE: '1m' }), {
    alg: 'RS256',
    file: join(folder, 'keys.json'),
    encryptionKeys: { length: 0 },
    maxAge: 60_000,
  });
  const sealed = await keySetOf({ ACCESS_TOKEN_ALG: 'EdDSA' });
  t.match(sealed, { alg: 'EdDSA', file: null, encryptionKeys: [{ id: /^[\w-]{8}$/ }] });
  t.same(
    (await keySetOf({})).encryptionKeys,
    sealed.encryptionKeys,
    'the stored encryption key is still read',
  );
  for (const never of ['off', '0', '0s', '0d'])
    t.equal((await keySetOf({ KEY_SET_ROTATE_AFTER: never })).rotateAfter, null, never);
  const listed = {
    ...production,
    ACCESS_TOKEN_ALG: 'ES256',
    KEY_SET_ENCRYPTION_KEY: `${ACCESS}x,${ACCESS}y`,
  };
  t.equal((await readConfig(listed, folder)).keySet.encryptionKeys.length, 2);
  await t.resolves(
    readConfig({ ...production, ACCESS_TOKEN_ALG: 'ES256', KEY_SET_FILE: 'keys.json' }, folder),
  );
});

t.test('all faults are reported together, without a secret', async (t) => {
  const secret = 'hunter2';
  const env = Object.fromEntries(SECRETS.map((name) => [name, secret]));
  const faults = await faultsOf(t, { ...env, API_PORT: 'x', LOG_LEVEL: 'x' });
  t.ok(faults.length >= 6, faults.join('\n'));
  t.notMatch(faults.join('\n'), secret);
});

t.test('.env.example names every variable, and works unchanged', async (t) => {
  const text = readFileSync('.env.example', 'utf8');
  const example = parseEnv(text);
  const names = new Set([
    ...Object.keys(Environment.properties),
    ...COMPOSE_FILES.flatMap(readVariableNames),
  ]);
  t.same(Object.keys(example).sort(), [...names].sort());
  const folder = t.testdir({ '.env': text });
  t.same(await readConfig(keys, folder), {
    ...(await readConfig(keys, join(folder, 'none'))),
    dataDir: join(folder, 'data'),
  });
});

const COMPOSE_FILES = ['compose.dev.yml', 'compose.prod.yml', 'docker/dev-ports.yml'];

/** The variables that Docker Compose substitutes in a file. */
function readVariableNames(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name = '']) => name);
}

t.test('compose.prod.yml takes every variable from .env, and passes it on under the same name', (t) => {
  // The database is a server, so nothing is stored in files.
  const leftOut = ['DATA_DIR'];
  // The services `app` and `setup`.
  const [services = ''] = readFileSync('compose.prod.yml', 'utf8').split('\n  migrate:\n');
  const lines = [...services.matchAll(/^ {6}([A-Z0-9_]+): (.*)$/gm)].map(([, name = '', value = '']) => ({
    name,
    value,
  }));
  const named = new Set(lines.map(({ name }) => name));
  t.same(
    Object.keys(Environment.properties).filter((name) => !named.has(name)),
    leftOut,
  );
  for (const { name, value } of lines) {
    const [, source = name] = /^\$\{([A-Z0-9_]+):/.exec(value) ?? [];
    // In the container API_PORT is 3000.
    t.equal(source, name === 'PUBLISHED_PORT' ? 'API_PORT' : name);
  }
  const [app = ''] = services.split('\n  setup:\n');
  for (const name of SECRETS) t.notMatch(app, new RegExp(`^ {6}${name}:`, 'm'), `${name} is a file`);
  t.end();
});

t.test('no container of compose.prod.yml can gain privileges', (t) => {
  const [, text = ''] = readFileSync('compose.prod.yml', 'utf8').split('\nservices:\n');
  const services = text.split('\nnetworks:\n')[0]?.split(/\n(?= {2}\w+:\n)/) ?? [];
  t.equal(services.length, 6);
  for (const service of services) {
    t.match(service, /^ {4}cap_drop:\n {6}- ALL$/m);
    t.match(service, /^ {6}- no-new-privileges:true$/m);
  }
  t.end();
});

t.test('the compose files name exact versions of images', (t) => {
  for (const file of ['compose.dev.yml', 'compose.prod.yml']) {
    const images = [...readFileSync(file, 'utf8').matchAll(/^ +image: (.*)$/gm)].map(
      ([, image = '']) => image,
    );
    const pulledImages = images.filter((image) => image !== 'kinship:latest');
    t.ok(pulledImages.length >= 3);
    for (const image of pulledImages) t.match(image, /:v?\d+\.\d+/);
  }
  t.end();
});

t.test('the name in EHLO is SMTP_NAME, the public host or the domain of the sender', async (t) => {
  const nameIn = async (env: Env) => {
    const { mail } = await read(t, { ...keys, ...smtp, ...env });
    return mail.kind === 'smtp' ? mail.name : null;
  };
  t.equal(
    await nameIn({ SMTP_NAME: 'out.example.com', PUBLIC_URL: 'https://auth.example.org' }),
    'out.example.com',
  );
  t.equal(await nameIn({ SMTP_NAME: '192.0.2.1' }), '[192.0.2.1]');
  t.equal(await nameIn({ SMTP_NAME: '2001:db8::1' }), '[IPv6:2001:db8::1]');
  t.equal(await nameIn({ PUBLIC_URL: 'https://auth.example.org' }), 'auth.example.org');
  for (const PUBLIC_URL of ['', 'http://localhost:3000', 'http://[::1]:3000', 'https://192.0.2.1'])
    t.equal(await nameIn({ PUBLIC_URL }), 'example.com', PUBLIC_URL);
});

t.test('the variables of OpenTelemetry configure traces', async (t) => {
  const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  const readWithCollector = async (env: Env) => read(t, { ...keys, ...collector, ...env });
  const plain = { kind: 'parentbased_always_on', ratio: 1 };
  t.same((await readWithCollector({})).traces, {
    endpoint: 'http://collector:4318',
    headers: {},
    serviceName: 'kinship',
    attributes: {},
    sampler: plain,
  });
  const named = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a, team=b%3Dc' };
  t.match((await readWithCollector(named)).traces, { serviceName: 'a', attributes: { team: 'b=c' } });

  const authorized = { OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20YTpi=, x-team=a' };
  t.match((await readWithCollector(authorized)).traces, {
    headers: { Authorization: 'Basic YTpi=', 'x-team': 'a' },
  });

  const faulty = {
    OTEL_EXPORTER_OTLP_HEADERS: 'hunter2',
    OTEL_RESOURCE_ATTRIBUTES: 'a=1,b',
    OTEL_TRACES_SAMPLER: 'jaeger_remote',
    OTEL_TRACES_SAMPLER_ARG: '2',
  };
  const { traces, warnings } = await readWithCollector(faulty);
  t.same([traces?.headers, traces?.attributes], [{}, {}]);
  t.match(traces, { sampler: plain });
  t.notMatch(warnings.join('\n'), 'hunter2');
  t.same(warnings.map((line) => line.split(' ')[0]).sort(), Object.keys(faulty));
  t.same(
    (await read(t, { ...keys, ...faulty })).warnings,
    [],
    'without an endpoint, no variable of traces is checked',
  );

  for (const header of ['a%20name=x', 'authorization=Bearer%0Ax', 'x-team=%E2%82%AC', 'x=%E0%A4%A']) {
    const { traces, warnings } = await readWithCollector({ OTEL_EXPORTER_OTLP_HEADERS: header });
    t.same(traces?.headers, {}, header);
    t.match(warnings, [/^OTEL_EXPORTER_OTLP_HEADERS is ignored/], header);
  }
});

t.test('a variable that has no effect is not checked', async (t) => {
  const DATABASE_URL = 'postgres://db/kinship';
  await t.resolves(read(t, { ...keys, DATABASE_URL, POSTGRES_PORT: 'x', POSTGRES_HOST: 'a/b' }));
  const PARTS = { POSTGRES_PORT: 'x', DATABASE_POOL: 'x', DATABASE_POOLER: 'x', DATABASE_SCHEMA: 'X' };
  await t.resolves(read(t, { ...keys, ...PARTS }));
  const { warnings } = await read(t, { ...keys, CONSOLE_PORT: 'x' });
  t.same(warnings, ['CONSOLE_PORT has no effect: CONSOLE is off.']);
  for (const mail of [{ MAIL: 'off' }, {}] as Env[]) {
    await t.resolves(read(t, { ...keys, ...mail, SMTP_PORT: 'x' }));
  }
});

t.test('service links of Kubernetes are treated as unset, with a warning', async (t) => {
  const folder = t.testdir({ '.env': 'API_PORT=4001\n' });
  const link = 'tcp://10.0.0.1:5432';
  const links = {
    POSTGRES_PORT: link,
    SMTP_PORT: link,
    API_PORT: link,
    METRICS_PORT: link,
    CONSOLE_PORT: link,
  };
  const env = { ...keys, POSTGRES_HOST: 'db', ...smtp, ...links };
  const { http, database, mail, warnings } = await readConfig(env, folder);
  t.match(
    { http, database, mail },
    {
      http: { port: 4001, metricsPort: null },
      database: { url: 'postgres://postgres@db:5432/postgres' },
      mail: { port: 587 },
    },
  );
  t.equal(warnings.length, Object.keys(links).length);
  for (const name of Object.keys(links)) {
    const line = warnings.find((warning) => warning.startsWith(`${name} is "tcp://`));
    t.match(line, /service link.*enableServiceLinks: false/);
  }
  const withUnusedLinks = { ...keys, DATABASE_URL: 'postgres://db/kinship', MAIL: 'off', ...links };
  await t.resolves(read(t, withUnusedLinks));
});

t.test('both compose files run the service under an init', async (t) => {
  for (const file of ['compose.dev.yml', 'compose.prod.yml']) {
    const [app = ''] = readFileSync(file, 'utf8').split('\n  postgres:\n');
    t.match(app, /^ {4}init: true$/m, file);
  }
});

t.test('if generated keys cannot be stored, the fault names the folder', async (t) => {
  const folder = t.testdir({ data: 'a file in the place of the folder' });
  t.match(await faultsOf(t, {}, folder), [/^DATA_DIR is .*ENOTDIR/]);
});

t.test('passkeys are bound to the host of PUBLIC_URL, or to a parent domain', async (t) => {
  const passkeysOf = async (env: Env) => (await read(t, { ...keys, ...env })).passkeys;
  t.same(await passkeysOf({}), { rpId: 'localhost', origins: ['http://localhost:3000'] });
  const PUBLIC_URL = 'https://auth.example.com';
  t.same(await passkeysOf({ PUBLIC_URL }), { rpId: 'auth.example.com', origins: [PUBLIC_URL] });
  const CORS_ORIGINS = 'https://app.auth.example.com';
  t.same((await passkeysOf({ PUBLIC_URL, CORS_ORIGINS })).origins, [PUBLIC_URL], 'not those of CORS_ORIGINS');
  t.same(
    await passkeysOf({
      PUBLIC_URL,
      PASSKEY_RP_ID: 'Example.com',
      PASSKEY_ORIGINS: 'https://app.example.com, https://example.com',
    }),
    { rpId: 'example.com', origins: ['https://app.example.com', 'https://example.com'] },
  );
});
