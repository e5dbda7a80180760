import { exec } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import t from 'tap';
import { kinship } from '../support/kinship.ts';
import { migratedDatabase, requirePostgres, testDatabase } from '../support/postgres.ts';
import { onTerminal, requireTerminal } from '../support/pseudo-terminal.ts';
import { dataDir } from '../support/service-in-process.ts';

const MIGRATIONS = readdirSync('migrations').map((file) => file.split('.'));

t.test('the first start on a terminal shows its steps, and an example command that works', async (t) => {
  if (!requireTerminal(t)) return;
  const DATA_DIR = await dataDir(t);
  const terminal = onTerminal(t, ['serve'], { DATA_DIR, API_PORT: '0', NO_COLOR: '1' });
  await terminal.waitFor(/A theft/);
  const text = terminal.text();
  t.match(text, /keys created .*ACCESS_TOKEN_SIGN_KEY/);
  t.match(text, /creating the embedded database/);
  t.match(text, /0 of 2 steps, now creating the embedded database, \d+ s/);
  for (const [index, [version, , name]] of MIGRATIONS.entries())
    t.match(text, `${index + 1} of ${MIGRATIONS.length} migrations, now ${Number(version)} ${name}`);
  t.match(text, /Kinship answers at http:\/\/127\.0\.0\.1:\d+/);
  t.match(text, /API {7}http:\/\/127\.0\.0\.1:\d+\/docs/);
  t.match(text, /Account {3}http:\/\/127\.0\.0\.1:\d+\/account\r?\n/);
  t.notMatch(text, /Console {3}/, 'the console is off');
  t.match(text, `embedded, in ${join(DATA_DIR, 'pg')}`);
  t.match(text, `files in ${join(DATA_DIR, 'mail')}`);
  t.notMatch(text, /^\{/m, 'no line of JSON');

  const [, command = ''] = /Try it +(.*?)\r?\n/.exec(text) ?? [];
  const { stdout } = await promisify(exec)(`${command} -s`);
  t.match(JSON.parse(stdout), { access: String, refresh: String });
  t.equal(await terminal.interrupt(), 0);
  t.match(terminal.text(), /stopped/);
});

t.test(
  'the welcome on a terminal names the pages that are on, and only commands that the service answers',
  async (t) => {
    if (!requireTerminal(t) || !(await requirePostgres(t))) return;
    const database = { DATABASE_URL: await testDatabase(t), DATA_DIR: t.testdir() };
    const settings = { CONSOLE: 'on', ACCOUNT_PAGES: 'off', DPOP: 'required', API_PORT: '0' };
    const terminal = onTerminal(t, ['serve'], { ...database, ...settings, NO_COLOR: '1' });
    await terminal.waitFor(/Try it +each login needs a DPoP proof: docs\/dpop\.md/);
    const text = terminal.text();
    t.notMatch(text, /A theft/);
    t.match(text, /Console {3}http:\/\/127\.0\.0\.1:\d+\/console\r?\n/);
    t.notMatch(text, /Account {3}/);
    t.equal(await terminal.interrupt(), 0);
  },
);

t.test('a terminal gets JSON with LOG_FORMAT=json and in production', async (t) => {
  if (!requireTerminal(t) || !(await requirePostgres(t))) return;
  const secrets = parseEnv((await kinship(['secrets'])).stdout) as Record<string, string>;
  const environments = [
    { LOG_FORMAT: 'json' },
    { ...secrets, NODE_ENV: 'production', PUBLIC_URL: 'https://auth.example.com', MAIL: 'off' },
  ];
  for (const env of environments) {
    const database = { DATABASE_URL: await testDatabase(t), DATA_DIR: t.testdir() };
    const terminal = onTerminal(t, ['serve'], { ...env, ...database, API_PORT: '0' });
    await terminal.waitFor(/"ready"/);
    t.equal(await terminal.interrupt(), 0);
    // The terminal itself echoes Ctrl-C.
    const lines = terminal.text().replaceAll('^C', '').trim().split(/\r?\n/);
    for (const line of lines) t.ok(JSON.parse(line).msg, line);
  }
});

t.test('migrate shows the migrations on a terminal, and prints the applied ones', async (t) => {
  if (!requireTerminal(t) || !(await requirePostgres(t))) return;
  const terminal = onTerminal(t, ['migrate'], { DATABASE_URL: await testDatabase(t), DATA_DIR: t.testdir() });
  t.equal(await terminal.exitCode(), 0);
  t.match(terminal.text(), `2 of ${MIGRATIONS.length} migrations, now 2 outbox`);
  t.match(terminal.text(), /applied 2 outbox\r\n/);
});

t.test('operator commands log readable lines on a terminal, and LOG_FORMAT overrides that', async (t) => {
  if (!requireTerminal(t) || !(await requirePostgres(t))) return;
  const database = { DATABASE_URL: await migratedDatabase(t), DATA_DIR: t.testdir() };
  const shownBy = async (words: string[], env: Record<string, string> = {}) => {
    const terminal = onTerminal(t, words, { ...database, NO_COLOR: '1', ...env });
    t.equal(await terminal.exitCode(), 0);
    return terminal.text();
  };
  const disable = ['users', 'disable', randomUUID()];
  const readable = await shownBy(disable);
  t.match(readable, / WARN: security: user disabled /);
  t.notMatch(readable, /^\{/m, 'no line of JSON');
  const rotated = await shownBy(['keys', 'rotate'], {
    ACCESS_TOKEN_ALG: 'EdDSA',
    KEY_SET_ENCRYPTION_KEY: 'an encryption key of 32 bytes: 9f1b',
  });
  t.match(rotated, /signing_key_announced/);
  t.notMatch(rotated, /^\{/m, 'no line of JSON');
  const json = await shownBy(['users', 'enable', ...disable.slice(2)], { LOG_FORMAT: 'json' });
  t.match(json, /^\{.*"security: user enabled"\}\r?$/m);
  const { stderr } = await kinship(disable, { ...database, LOG_FORMAT: 'pretty' });
  t.match(stderr, / WARN: security: user disabled /);
});
