import { execFile, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import t from 'tap';
import { startCollector } from '../support/collector.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startService } from '../support/process.ts';
import { requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';
import { dataDir } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';
import { waitForValue } from '../support/wait-until.ts';

const BUILT = ['dist/main.js'];
const run = promisify(execFile);

t.before(() => run(process.execPath, ['--import', 'tsx', 'scripts/build.ts']));

async function send(url: string, method: string, body?: object, headers: Record<string, string> = {}) {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(url, {
    method,
    headers: { ...json, ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, text: answer, body: isJson ? JSON.parse(answer) : {} };
}

t.test(
  'the build contains the modules that are imported on demand: database, pages, doors, passwords, mails',
  async (t) => {
    const folder = await dataDir(t);
    const { url, stop } = await startService(t, { env: { API_PORT: '0', DATA_DIR: folder }, args: BUILT });

    const account = { username: 'ann', email: 'ann@example.com', password: 'password1' };
    t.match(await send(`${url}/auth/register`, 'POST', account), {
      status: 400,
      text: /most common passwords/,
    });
    const password = 'a violet piano 42';
    t.equal((await send(`${url}/auth/register`, 'POST', { ...account, password })).status, 201);
    const { body: pair } = await send(`${url}/auth/login`, 'POST', { username: 'ann', password });
    const tokens = { refreshToken: pair.refresh, accessToken: pair.access };
    t.equal((await send(`${url}/auth/refresh`, 'POST', tokens)).status, 200);
    t.match(await send(`${url}/auth/refresh`, 'POST', tokens), {
      status: 401,
      body: { code: 'token_reused' },
    });
    await waitForValue('a mail', async () => (await readdir(join(folder, 'mail')))[0]);

    t.match(await send(`${url}/docs/static/swagger-ui.css`, 'GET'), { status: 200, text: /swagger/ });
    t.match(await send(`${url}/docs/json`, 'GET'), { status: 200, body: { openapi: '3.1.0' } });
    t.match(await send(`${url}/metrics`, 'GET'), { status: 200, text: /nodejs_eventloop_lag/ });
    for (const door of ['/refresh', '/api/v1/auth/sessions', '/api/v1/tasks/']) {
      t.equal((await send(`${url}${door}`, 'GET')).status, 401, door);
    }
    t.equal(await stop(), 0);
  },
);

t.test('the build loads PostgreSQL, Redis, RabbitMQ, the key set and traces', async (t) => {
  if (!(await requirePostgres(t)) || !requirePrivateRedis(t)) return;
  const collector = await startCollector(t);
  const env = {
    DATABASE_URL: await testDatabase(t),
    DATA_DIR: await dataDir(t),
    REDIS_URL: (await startPrivateRedis(t)).url,
    AMQP_URL: 'amqp://127.0.0.1:1',
    ACCESS_TOKEN_ALG: 'EdDSA',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  };
  const tool = (name: string, ...args: string[]) =>
    run(process.execPath, ['dist/main.js', name, ...args], { env: { ...process.env, ...env } });
  t.match((await tool('migrate')).stdout, /token-families/);
  t.match((await tool('purge')).stdout, /0/);

  const service = await startService(t, { env: { ...env, API_PORT: '0' }, args: BUILT });
  t.equal(
    (await send(`${service.url}/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11`, 'POST')).status,
    200,
  );
  t.match((await send(`${service.url}/.well-known/jwks.json`, 'GET')).body, { keys: [{ crv: 'Ed25519' }] });
  t.match((await tool('keys', 'list')).stdout, /EdDSA/);
  t.equal(await service.stop(), 0);
  t.ok(collector.spans.length > 0);
});

t.test('a signal to `npm start` ends the service, and the service releases its folder', async (t) => {
  const { PATH, HOME } = process.env;
  const DATA_DIR = await dataDir(t);
  const env = { PATH, HOME, API_PORT: '0', DATA_DIR };
  const npm = spawn('npm', ['start'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => npm.kill('SIGKILL'));
  const { url, pid } = await readyLine(npm.stdout);
  t.equal((await fetch(`${url}/health/live`)).status, 200);
  const gone = once(npm, 'exit');
  npm.kill('SIGTERM');
  await gone;
  await waitForValue('the end of the service', async () => !isRunning(pid) || undefined);
  await t.rejects(fetch(`${url}/health/live`), { cause: { code: 'ECONNREFUSED' } });
  // This start fails if another process still holds the folder.
  const next = await startService(t, { env: { API_PORT: '0', DATA_DIR }, args: BUILT });
  t.equal(await next.stop(), 0);
});

/** Makes /tmp read-only for the program that follows. Its writes fail there with EROFS. */
const READ_ONLY_TMP = ['--mount', 'sh', '-c', 'mount -t tmpfs -o ro none /tmp && exec "$@"', 'sh'];

t.test('with a read-only /tmp the service runs, and its socket is in DATA_DIR', async (t) => {
  if (spawnSync('unshare', [...READ_ONLY_TMP, 'true']).status !== 0) return skipFor(t, 'unshare --mount');
  const folder = await mkdtemp('/var/tmp/kinship-');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, API_PORT: '0', DATA_DIR: folder };
  const child = spawn('unshare', [...READ_ONLY_TMP, process.execPath, ...BUILT], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const { url } = await readyLine(child.stdout);
  const [socketFolder, ...others] = (await readdir(folder)).filter((name) => name.startsWith('kinship-'));
  t.type(socketFolder, 'string', 'the socket is in DATA_DIR');
  t.same(others, []);
  t.equal((await send(`${url}/auth/login?userId=${randomUUID()}`, 'POST')).status, 200);
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  t.same(await exit, [0, null]);
  t.notOk((await readdir(folder)).includes(String(socketFolder)), 'the folder of the socket is removed');
});

function readyLine(output: Readable): Promise<{ url: string; pid: number }> {
  const lines = createInterface({ input: output });
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      const entry = line.startsWith('{') ? JSON.parse(line) : {};
      if (entry.msg === 'ready') resolve(entry);
    });
  });
}

/** Stops the program at the import of the service, writes a line to standard error, and never continues. */
const HOLD_SERVICE_IMPORT = `
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(\`
    export function resolve(specifier, context, next) {
      if (!/serve-/.test(specifier)) return next(specifier, context);
      process._rawDebug('held');
      return new Promise(() => setInterval(() => {}, 1000));
    }
  \`));`;

t.test('a signal before the service is loaded ends the start with exit code 0', async (t) => {
  const hold = `data:text/javascript,${encodeURIComponent(HOLD_SERVICE_IMPORT)}`;
  const child = spawn(process.execPath, ['--import', hold, ...BUILT], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  t.match(String((await once(child.stderr, 'data'))[0]), /held/);
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  t.same(await exit, [0, null]);
});

t.test('a signal to process id 1 (a container) ends a start that waits for its database', async (t) => {
  if (!canBeProcessOne()) return skipFor(t, 'unshare --pid');
  const database = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  t.teardown(() => database.close());
  await once(database, 'listening');
  const { port } = database.address() as AddressInfo;
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, DATA_DIR: await dataDir(t), DATABASE_URL: `postgres://127.0.0.1:${port}/none` };
  const child = spawn('unshare', [...PROCESS_ONE, process.execPath, ...BUILT], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const output = text(child.stdout);
  const [socket] = (await once(database, 'connection')) as [Socket];
  t.teardown(() => socket.destroy());
  const [processOne] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
  const exit = once(child, 'exit');
  process.kill(Number(processOne), 'SIGTERM');
  t.same(await exit, [0, null]);
  t.match(await output, /the start was abandoned/);
});

/** The program that follows is process 1 of a new PID namespace, and is killed with `unshare`. */
const PROCESS_ONE = ['--fork', '--pid', '--kill-child'];

function canBeProcessOne(): boolean {
  return spawnSync('unshare', [...PROCESS_ONE, 'true']).status === 0;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
