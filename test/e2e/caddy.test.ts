import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json, text } from 'node:stream/consumers';
import t from 'tap';
import { requireCaddy, startCaddy } from '../support/caddy.ts';
import { createSelfSigned, OPENSSL } from '../support/certificate.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';
import { waitForValue } from '../support/wait-until.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

async function ask(
  port: number,
  pem: string,
  method: string,
  path: string,
  more: object = {},
): Promise<IncomingMessage> {
  const host = `auth.example.com:${port}`;
  const headers = { host, 'x-forwarded-for': '203.0.113.9', 'x-api-key': 'canary-key', ...more };
  const options = { ca: pem, servername: 'auth.example.com', checkServerIdentity: () => undefined };
  const asking = request({ host: '127.0.0.1', port, method, path, headers, agent: false, ...options });
  const [answer] = (await once(asking.end(), 'response')) as [IncomingMessage];
  return answer;
}

t.test('the Caddy example serves the public routes, and logs no secret', async (t) => {
  if (!requireCaddy(t) || !(await requirePostgres(t))) return;
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  const [port, upstream] = [await freePort(), await freePort()];
  await startServiceInProcess(t, {
    API_PORT: String(upstream),
    DATA_DIR: t.testdir(),
    DATABASE_URL: await testDatabase(t),
    TRUST_PROXY: '127.0.0.1',
    PUBLIC_URL: 'https://auth.example.com',
    SERVICE_API_KEYS: 'backend:login:canary-key-of-thirty-two-characters',
    LOGIN_BY_USER_ID: 'open',
    FRONT_DOORS: 'off',
    MAIL: 'off',
  });
  const { log } = await startCaddy(t, { pem, port, upstream });
  const get = (path: string) => ask(port, pem, 'GET', path);

  const refused = await ask(port, pem, 'POST', `/auth/login?userId=${USER}&canary=1`);
  t.equal(refused.statusCode, 401);
  t.match(refused.headers['strict-transport-security'], /^max-age=\d+$/);
  for (const path of ['/.well-known/jwks.json', '/.well-known/oauth-authorization-server', '/docs/json'])
    t.equal((await get(path)).statusCode, 200, path);
  for (const path of ['/metrics', '/health/live', '/health/ready', '/admin/sessions'])
    t.equal((await get(path)).statusCode, 404, path);
  t.equal((await get('/healthy')).headers['content-type'], 'application/problem+json', 'the service answers');

  const lines = await waitForValue('the access log', async () => {
    const written = await readFile(log, 'utf8');
    return written.trim().split('\n').length >= 9 ? written : undefined;
  });
  t.match(lines, '/auth/login');
  t.notMatch(lines, 'canary');
});

t.test('Caddy replaces X-Forwarded-For, and only the cookie of the console reaches /admin', async (t) => {
  if (!requireCaddy(t)) return;
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  const upstream = createServer(({ headers }, response) => response.end(JSON.stringify(headers)));
  upstream.listen(0, '127.0.0.1');
  t.teardown(() => upstream.close());
  await once(upstream, 'listening');
  const port = await freePort();
  await startCaddy(t, { pem, port, upstream: (upstream.address() as AddressInfo).port });
  t.match(await json(await ask(port, pem, 'GET', '/auth/me')), {
    host: `auth.example.com:${port}`,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'https',
  });
  const own = '__Host-kinship_console=0123456789-0123456789-0123456789-0123456789xyz';
  const admin = (path: string, cookie: string) =>
    ask(port, pem, 'GET', path, { authorization: 'Bearer a.b.c', cookie, 'x-reason': 'why' });
  for (const path of ['/admin/audit?order=newest', '/admin', '/%61dmin/audit', '/x/../admin/audit']) {
    const headers = (await json(await admin(path, `theme=dark; ${own}; a=b`))) as object;
    t.match(headers, { cookie: own, 'x-reason': 'why', 'x-api-key': undefined, authorization: undefined });
    for (const cookie of ['', 'theme=dark', `x${own}`, '__Host-kinship_console'])
      t.equal((await admin(path, cookie)).statusCode, 404, `${path}: ${cookie}`);
  }
});

t.test('a GET that loses its answer is not sent a second time', async (t) => {
  if (!requireCaddy(t)) return;
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  let requests = 0;
  const upstream = createServer(({ socket }, response) => {
    requests += 1;
    if (requests === 1) response.end('first');
    else socket.destroy();
  });
  upstream.listen(0, '127.0.0.1');
  t.teardown(() => upstream.close());
  await once(upstream, 'listening');
  const port = await freePort();
  const { errorOutput } = await startCaddy(t, {
    pem,
    port,
    upstream: (upstream.address() as AddressInfo).port,
  });
  t.equal(await text(await ask(port, pem, 'GET', '/refresh')), 'first');
  t.equal((await ask(port, pem, 'GET', '/refresh?canary=1')).statusCode, 502);
  t.equal(requests, 2);
  t.match(errorOutput(), 'serving initial configuration');
  t.notMatch(errorOutput(), 'canary', 'faults of the service do not bring queries into the log');
});
