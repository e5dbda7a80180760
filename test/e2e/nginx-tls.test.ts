import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { createSelfSigned, OPENSSL } from '../support/certificate.ts';
import { claimsOf } from '../support/forge.ts';
import { exampleSite, requireNginx, startNginx } from '../support/nginx.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';

const CONSOLE = '__Host-kinship_console=0123456789-0123456789-0123456789-0123456789xyz';

/**
 * Starts the example in front of `upstream`. Returns the port that redirects, and functions that send requests to the
 * TLS port.
 */
async function startExample(t: Test, folder: string, pem: string, upstream: number) {
  const certificate = join(folder, 'certificate.pem');
  await writeFile(certificate, pem);
  const [http, https] = [await freePort(), await freePort()];
  const site = await exampleSite('nginx-tls.conf', {
    'listen 80;': `listen 127.0.0.1:${http};`,
    'listen 443 ssl;': `listen 127.0.0.1:${https} ssl;`,
    'server 127.0.0.1:3000;': `server 127.0.0.1:${upstream};`,
    '/etc/nginx/tls/auth.example.com.pem': certificate,
    '/etc/nginx/tls/auth.example.com.key': certificate,
  });
  await startNginx(t, site, https);
  return { http, ask };

  async function ask(method: string, path: string, more: object = {}): Promise<IncomingMessage> {
    const headers = { host: 'auth.example.com', 'x-forwarded-for': '203.0.113.9', ...more };
    // The certificate of the test is for 127.0.0.1.
    const options = { ca: pem, checkServerIdentity: () => undefined };
    const asking = request({ host: '127.0.0.1', port: https, method, path, headers, ...options });
    const [answer] = (await once(asking.end(), 'response')) as [IncomingMessage];
    return answer;
  }
}

t.test('the TLS example serves the public routes over https only', async (t) => {
  if (!requireNginx(t) || !(await requirePostgres(t))) return;
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  const folder = await dataDir(t);
  const kinship = await freePort();
  await startServiceInProcess(t, {
    API_PORT: String(kinship),
    DATA_DIR: folder,
    DATABASE_URL: await testDatabase(t),
    TRUST_PROXY: '127.0.0.1',
    PUBLIC_URL: 'https://auth.example.com',
    LOGIN_BY_USER_ID: 'open',
    FRONT_DOORS: 'cookie-pair',
    MAIL: 'off',
  });
  const { http, ask } = await startExample(t, folder, pem, kinship);

  const user = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
  const login = await ask('POST', `/auth/login?userId=${user}`);
  t.equal(login.statusCode, 200);
  t.match(login.headers['strict-transport-security'], /^max-age=\d+$/);
  const { access } = (await json(login)) as { access: string };
  t.equal(claimsOf(access).userIp, '127.0.0.1', 'a client cannot name its address');
  const cookies = await ask('GET', `/${user}`);
  t.equal(cookies.statusCode, 200);
  t.match(cookies.headers['set-cookie'], [/; Secure/, /; Secure/]);
  for (const path of ['/.well-known/jwks.json', '/.well-known/oauth-authorization-server', '/docs/json'])
    t.equal((await ask('GET', path)).statusCode, 200, path);
  for (const path of ['/metrics', '/health/live', '/health/ready', '/admin/sessions'])
    t.equal((await ask('GET', path)).statusCode, 404, path);
  const plain = await fetch(`http://127.0.0.1:${http}/auth/login?x=y`, {
    redirect: 'manual',
    method: 'POST',
  });
  t.equal(plain.status, 308);
  t.equal(plain.headers.get('location'), 'https://auth.example.com/auth/login?x=y');
});

t.test(
  'only the cookie of the console reaches /admin, and nginx removes x-api-key and Authorization',
  async (t) => {
    if (!requireNginx(t)) return;
    const pem = createSelfSigned();
    if (pem === null) return skipFor(t, OPENSSL);
    const upstream = createServer(({ headers }, response) => response.end(JSON.stringify(headers)));
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    t.teardown(() => upstream.close());
    const { port } = upstream.address() as AddressInfo;
    const { ask } = await startExample(t, await dataDir(t), pem, port);
    const secrets = { 'x-api-key': 'a-key', authorization: 'Bearer a.b.c' };
    for (const path of ['/admin/audit?order=newest', '/admin', '/%61dmin/audit', '/x/../admin/audit']) {
      const cookie = `theme=dark; ${CONSOLE}; a=b`;
      const passed = await ask('GET', path, { ...secrets, cookie, 'x-reason': 'why' });
      t.equal(passed.statusCode, 200, path);
      const headers = (await json(passed)) as object;
      t.match(headers, { cookie: CONSOLE, 'x-reason': 'why', 'x-forwarded-proto': 'https' }, path);
      t.match(headers, { 'x-api-key': undefined, authorization: undefined, 'x-forwarded-for': '127.0.0.1' });
      for (const other of ['', 'theme=dark', `x${CONSOLE}`, '__Host-kinship_console'])
        t.equal((await ask('GET', path, { ...secrets, cookie: other })).statusCode, 404, `${path}: ${other}`);
    }
    const page = await ask('GET', '/console/session', { cookie: CONSOLE });
    t.match(await json(page), { cookie: CONSOLE });
  },
);
