import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import t, { type Test } from 'tap';
import { requireCaddy, startCaddy } from '../support/caddy.ts';
import { createSelfSigned, OPENSSL } from '../support/certificate.ts';
import { athOf, proofKey, proofOf } from '../support/dpop.ts';
import { claimsOf } from '../support/forge.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { startRecordingApplication } from '../support/recording-application.ts';
import { startServiceInProcess } from '../support/service-in-process.ts';
import { skipFor } from '../support/skip.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const ORIGIN = 'https://pages.test';
const FORGED_HEADERS = {
  'x-user-id': 'root',
  'X-Session-Id': 'none',
  X_User_Id: 'root',
  'x-user_id': 'root',
  'X_Session-Id': 'none',
  'x-session_id': 'none',
};

async function setUp(t: Test, pem: string) {
  const { requests, port: applicationPort } = await startRecordingApplication(t);
  const [port, upstream] = [await freePort(), await freePort()];
  const service = await startServiceInProcess(t, {
    API_PORT: String(upstream),
    DATA_DIR: t.testdir(),
    DATABASE_URL: await testDatabase(t),
    TRUST_PROXY: '127.0.0.1',
    CORS_ORIGINS: ORIGIN,
    DPOP_NONCE: 'on',
    MAIL: 'off',
  });
  const host = 'app.example.com';
  const replacements = { '127.0.0.1:8080': `127.0.0.1:${applicationPort}` };
  const example = { file: 'forward-auth.Caddyfile', host, replacements };
  await startCaddy(t, { pem, port, upstream, example });

  async function ask(
    path: string,
    headers: object = {},
    method = 'GET',
    body = '',
  ): Promise<IncomingMessage> {
    const tls = { ca: pem, servername: host, checkServerIdentity: () => undefined };
    const all = { host: `${host}:${port}`, 'x-forwarded-for': '203.0.113.9', ...headers };
    const asking = request({ host: '127.0.0.1', port, path, method, headers: all, agent: false, ...tls });
    const [answer] = (await once(asking.end(body), 'response')) as [IncomingMessage];
    answer.resume();
    return answer;
  }

  async function logIn(query = ''): Promise<string> {
    const answer = await fetch(`${service.url}/auth/login?userId=${USER}${query}`, { method: 'POST' });
    return ((await answer.json()) as { access: string }).access;
  }

  return { requests, service, ask, logIn, origin: `https://${host}:${port}` };
}

t.test('Caddy with forward_auth passes authenticated requests only', async (t) => {
  if (!requireCaddy(t) || !(await requirePostgres(t))) return;
  const pem = createSelfSigned();
  if (pem === null) return skipFor(t, OPENSSL);
  const { requests, service, ask, logIn, origin } = await setUp(t, pem);
  const access = await logIn();
  const bearer = { authorization: `Bearer ${access}` };

  await t.test('a valid token reaches the application with the user id of the service', async (t) => {
    t.equal((await ask('/orders?page=2', { ...bearer, ...FORGED_HEADERS })).statusCode, 200);
    const [{ headers } = { headers: {} }] = requests.splice(0);
    t.match(headers, {
      'x-user-id': USER,
      'x-session-id': claimsOf(access).sid,
      'x-forwarded-for': '127.0.0.1',
    });
    t.same(
      Object.keys(headers).filter((name) => name.includes('_')),
      [],
      'no forged header in another spelling',
    );
    t.equal((await ask('/orders', bearer, 'POST', 'x'.repeat(100_000))).statusCode, 200);
    const chunked = { ...bearer, 'transfer-encoding': 'chunked' };
    t.equal((await ask('/orders', chunked, 'PUT', 'x'.repeat(100_000))).statusCode, 200);
    const received = requests.splice(0).map(({ method, body }) => ({ method, length: body.length }));
    t.match(received, [
      { method: 'POST', length: 100_000 },
      { method: 'PUT', length: 100_000 },
    ]);
  });

  await t.test(
    'without a valid token the service answers, and pages of allowed origins can read the answer',
    async (t) => {
      for (const headers of [
        {},
        FORGED_HEADERS,
        { authorization: 'Bearer x' },
        { cookie: 'access_token=x' },
      ]) {
        const { statusCode, headers: answered } = await ask('/orders', { origin: ORIGIN, ...headers });
        t.equal(statusCode, 401);
        t.match(answered, { 'www-authenticate': /^Bearer/, 'access-control-allow-origin': ORIGIN });
      }
      for (const path of ['/auth/../orders', '/%61uth/../orders', '/./orders'])
        t.equal((await ask(path)).statusCode, 401, path);
      t.same(requests, [], 'no such request reached the application');
    },
  );

  await t.test('a preflight reaches the application without a user, and no other OPTIONS does', async (t) => {
    const preflight = { origin: ORIGIN, 'access-control-request-method': 'PUT', ...FORGED_HEADERS };
    t.equal((await ask('/orders', preflight, 'OPTIONS')).statusCode, 200);
    t.notOk(Object.keys(requests.splice(0)[0]?.headers ?? {}).some((name) => /user|session/.test(name)));
    t.equal((await ask('/orders', { origin: ORIGIN }, 'OPTIONS')).statusCode, 401);
    t.equal((await ask('/orders', preflight, 'PUT')).statusCode, 401);
    t.same(requests, []);
  });

  await t.test('a bound token passes with a proof, and the answer has the nonce', async (t) => {
    const key = proofKey();
    const token = await logIn(`&dpopJkt=${key.jkt}`);
    const ath = athOf(token);
    const orders = (nonce: unknown, method = 'GET', path = '/orders') =>
      ask('/orders?page=2', {
        authorization: `DPoP ${token}`,
        dpop: proofOf(key, method, origin + path, Date.now(), { payload: { ath, nonce } }),
      });
    const asked = await orders(undefined);
    t.equal(asked.statusCode, 401);
    const nonce = asked.headers['dpop-nonce'];
    t.type(nonce, 'string');
    const passed = await orders(nonce);
    t.match(passed, { statusCode: 200, headers: { 'dpop-nonce': nonce } });
    t.equal((await orders(nonce, 'POST')).statusCode, 401, 'another method');
    t.equal((await orders(nonce, 'GET', '/other')).statusCode, 401, 'another path');
    t.equal(requests.splice(0).length, 1);
    const plain = await ask('/orders', { ...bearer, 'x-kinship-nonce': 'of the client' });
    t.equal(plain.headers['dpop-nonce'], undefined);
    t.equal(requests.splice(0)[0]?.headers['x-kinship-nonce'], undefined);
  });

  await t.test(
    'the service answers its public routes only, and the end of a session counts at once',
    async (t) => {
      for (const path of ['/.well-known/jwks.json', '/auth/me'])
        t.ok((await ask(path, bearer)).headers['x-request-id'], path);
      for (const path of ['/metrics', '/admin/sessions', '/health/live'])
        t.equal((await ask(path)).statusCode, 401, `${path} belongs to the application`);
      t.equal((await ask('/auth/logout', bearer, 'POST')).statusCode, 204);
      t.equal((await ask('/orders', bearer)).statusCode, 401);
      t.same(requests, []);
    },
  );

  await t.test('no request reaches the application while the service is down', async (t) => {
    await service.close();
    for (const headers of [bearer, {}]) t.equal((await ask('/orders', headers)).statusCode, 502);
    t.same(requests, []);
  });
});
