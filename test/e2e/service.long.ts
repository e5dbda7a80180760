import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startService } from '../support/process.ts';
import { requirePrivateRedis, startPrivateRedis } from '../support/redis.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { waitForValue } from '../support/wait-until.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

interface Answer {
  readonly status: number;
  readonly body: Record<string, string>;
}

async function post(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', headers });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

const logIn = (url: string, more = '') => post(`${url}/auth/login?userId=${USER}${more}`);

const refresh = (url: string, { body }: Answer, headers?: Record<string, string>) =>
  post(`${url}/auth/refresh?refreshToken=${body.refresh}&accessToken=${body.access}`, headers);

/** Logs in, refreshes and replays a token, reads the mail, and restarts the service between a refresh and its retry. */
async function checkLostAnswerAndReplay(t: Test, env: Record<string, string>, folder: string): Promise<void> {
  const first = await startServiceInProcess(t, env);
  const pair = await logIn(first.url, '&email=ann@example.com');
  t.equal(pair.status, 200);
  const key = { 'idempotency-key': 'the-answer-was-lost' };
  const next = await refresh(first.url, pair, key);
  t.equal(next.status, 200);
  await first.close();

  const second = await startServiceInProcess(t, env);
  t.match(await (await fetch(`${second.url}/health/ready`)).json(), {
    status: 'up',
    dependencies: { database: 'up' },
  });
  const again = await refresh(second.url, pair, key);
  t.same([again.body.refresh, again.body.access], [next.body.refresh, next.body.access], 'the same bytes');
  t.match(await refresh(second.url, pair), { status: 401, body: { code: 'token_reused' } });
  t.match(await refresh(second.url, next), { status: 401, body: { code: 'session_revoked' } });

  const mails = join(folder, 'mail');
  const [name = ''] = await waitForValue('the mail', async () => {
    const names = (await readdir(mails)).filter((one) => one.endsWith('.eml'));
    return names.length > 0 ? names : undefined;
  });
  t.match(await readFile(join(mails, name), 'utf8'), /^To: ann@example\.com$/m);
  await waitForValue('the event in the log', async () =>
    second.lines.find((line) => line.includes('sessions.reuse_detected')),
  );
  t.equal((await readdir(mails)).length, 1);
  await second.close();
  t.notMatch([...first.lines, ...second.lines].join(''), pair.body.refresh, 'no token in the log');
}

t.test(
  'on the embedded database a retry over a restart gets the same pair, and a replay causes a mail',
  async (t) => {
    const folder = await dataDir(t);
    await checkLostAnswerAndReplay(t, { DATA_DIR: folder }, folder);
  },
);

t.test('on PostgreSQL a retry over a restart gets the same pair, and a replay causes a mail', async (t) => {
  if (!(await requirePostgres(t))) return;
  const folder = await dataDir(t);
  await checkLostAnswerAndReplay(t, { DATA_DIR: folder, DATABASE_URL: await testDatabase(t) }, folder);
});

t.test('behind a trusted proxy the service uses the forwarded address', async (t) => {
  if (!(await requirePostgres(t))) return;
  const env = {
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testDatabase(t),
    LOGIN_BY_USER_ID: 'open',
    MAIL: 'off',
  };
  const { url } = await startServiceInProcess(t, {
    ...env,
    TRUST_PROXY: '127.0.0.1',
    JTI_HASH: 'argon2id',
    ARGON2_MEMORY: '1024',
  });
  const forwarded = { 'x-forwarded-for': '192.0.2.1, 198.51.100.9' };
  const { body } = await post(`${url}/auth/login?userId=${USER}`, forwarded);
  t.equal(claimsOf(body.access ?? '').userIp, '198.51.100.9');
});

t.test('an unreachable database stops the start, and no handle stays open', async (t) => {
  const env = { DATA_DIR: await dataDir(t), DATABASE_URL: 'postgres://127.0.0.1:1/none' };
  await t.rejects(startServiceInProcess(t, env), { code: 'unavailable' });
});

t.test('a mail server that breaks off the connection does not stop the start', async (t) => {
  if (!(await requirePostgres(t))) return;
  const impostor = createServer((socket) => socket.on('error', () => {}).end('220 no TLS here\r\n')).listen(
    0,
    '127.0.0.1',
  );
  t.teardown(() => impostor.close());
  const address = await waitForValue('the port', async () => impostor.address() ?? undefined);
  const port = typeof address === 'object' ? String(address.port) : '';
  const smtp = { SMTP_SERVER: '127.0.0.1', SMTP_PORT: port, SMTP_FROM: 'auth@example.com' };
  const { url } = await startServiceInProcess(t, {
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testDatabase(t),
    ...smtp,
  });
  t.equal((await logIn(url)).status, 200, 'a mail server that is only broken does not stop the start');
});

t.test(
  'the process logs its ready line, locks its folder, handles a signal, and names faults of its settings',
  async (t) => {
    const folder = await dataDir(t);
    const env = { API_PORT: '0', DATA_DIR: folder, PUBLIC_URL: 'http://localhost:8088' };
    const service = await startService(t, { env });
    t.ok(service.logs().some((line) => line.includes('"publicUrl":"http://localhost:8088","msg":"ready"')));
    for (const page of ['docs', 'account'])
      t.ok(service.logs().some((line) => line.includes(`"${page}":"http://localhost:8088/${page}"`)));
    t.equal((await logIn(service.url)).status, 200);
    await t.rejects(
      startService(t, { env }),
      /in use|running/i,
      'a second process is refused with a clear message',
    );
    t.equal(await service.stop('SIGTERM'), 0);
    t.ok(service.logs().some((line) => line.includes('"stopped"')));

    const { port } = new URL((await startServiceInProcess(t, { DATA_DIR: await dataDir(t) })).url);
    await t.rejects(
      startService(t, { env: { DATA_DIR: await dataDir(t), API_PORT: port } }),
      new RegExp(
        `API_PORT is ${port}, but another program uses this port on .*: end it, or set another port\\."`,
      ),
      'a used port is named',
    );

    const wrong = startService(t, { env: { ...env, API_PORT: 'x', LOG_LEVEL: 'loud' } });
    await t.rejects(wrong, /"level":60.*API_PORT is .*\n.*"level":60.*LOG_LEVEL is /, 'one line per fault');
  },
);

t.test(
  'a signal that arrives twice stops the service gracefully, and a later one ends it at once',
  async (t) => {
    if (!(await requirePostgres(t))) return;
    const env = { API_PORT: '0', DATABASE_URL: await testDatabase(t), MAIL: 'off' };
    const twice = await startService(t, { env: { ...env, DATA_DIR: await dataDir(t) } });
    void twice.stop('SIGINT'); // npm passes on the SIGINT that the terminal has sent to the service, too
    t.equal(await twice.stop('SIGINT'), 0);
    t.ok(twice.logs().some((line) => line.includes('"stopped"')));

    const busy = await startService(t, { env: { ...env, DATA_DIR: await dataDir(t) } });
    const body = connect({ host: '127.0.0.1', port: Number(new URL(busy.url).port) });
    body.on('error', () => {});
    t.teardown(() => body.destroy());
    await once(body, 'connect');
    body.write(
      'POST /auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    void busy.stop();
    await delay(1_100);
    t.notOk(
      busy.logs().some((line) => line.includes('"stopped"')),
      'the request is not complete',
    );
    t.equal(await busy.stop(), 1);
  },
);

t.test('limits of attempts are shared through Redis, and still apply when Redis is down', async (t) => {
  if (!(await requirePostgres(t)) || !requirePrivateRedis(t)) return;
  const redis = await startPrivateRedis(t);
  const limit = { LOGIN_ACCOUNT_LIMIT: '3/1h' };
  const env = { DATABASE_URL: await testDatabase(t), REDIS_URL: redis.url, MAIL: 'off', ...limit };
  const replicas = [
    await startServiceInProcess(t, { ...env, DATA_DIR: await dataDir(t) }),
    await startServiceInProcess(t, { ...env, DATA_DIR: await dataDir(t) }),
  ];
  const guess = async (round: number) => {
    const response = await fetch(`${replicas[round % 2]?.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'ann', password: `guess number ${round}` }),
    });
    return response.status;
  };
  const statuses = [];
  for (let round = 0; round < 7; round += 1) statuses.push(await guess(round));
  t.same(statuses, [401, 401, 401, 429, 429, 429, 429], 'counted over both processes');
  await redis.kill();
  const without = [];
  for (let round = 0; round < 16; round += 1) without.push(await guess(round));
  t.ok(without.includes(429), 'each process counts for itself');
  t.notOk(without.includes(500) || without.includes(503), 'and every request is still answered');
});
