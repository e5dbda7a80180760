import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { athOf, proofKey, proofOf } from '../support/dpop.ts';
import { claimsOf } from '../support/forge.ts';
import { exampleSite, requireNginx, startNginx } from '../support/nginx.ts';
import { PASSWORD } from '../support/passwords.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startRecordingApplication } from '../support/recording-application.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';

const ORIGIN = 'https://app.test';
const FORGED_HEADERS = { 'x-user-id': 'root', 'X-Session-Id': 'none', X_User_Id: 'root' };

async function setUp(t: Test) {
  const ports = { nginx: await freePort(), kinship: await freePort() };
  const env = {
    API_PORT: String(ports.kinship),
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testDatabase(t),
    TRUST_PROXY: '127.0.0.1',
    MAIL: 'off',
    CORS_ORIGINS: ORIGIN,
    DPOP_NONCE: 'on',
    FRONT_DOORS: 'session-id,cookie-pair,task-api',
  };
  const { requests, port } = await startRecordingApplication(t);
  const service = await startServiceInProcess(t, env);
  const site = await exampleSite('nginx.conf', {
    'listen 80;': `listen 127.0.0.1:${ports.nginx};`,
    'server 127.0.0.1:3000;': `server 127.0.0.1:${ports.kinship};`,
    'server 127.0.0.1:8080;': `server 127.0.0.1:${port};`,
    'https://app.example.com': ORIGIN,
    'X-Forwarded-Host app.example.com;': `X-Forwarded-Host 127.0.0.1:${ports.nginx};`,
  });
  const { folder } = await startNginx(t, site, ports.nginx);
  const url = `http://127.0.0.1:${ports.nginx}`;

  async function ask(headers: Record<string, string> = {}, init: RequestInit = {}) {
    const response = await fetch(`${url}/orders?page=2`, { ...init, headers });
    return [response.status, await response.text()] as const;
  }

  async function post(path: string, body?: object, headers: Record<string, string> = {}) {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const init = { method: 'POST', headers: { ...json, ...headers } };
    const response = await fetch(
      url + path,
      body === undefined ? init : { ...init, body: JSON.stringify(body) },
    );
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, string>) };
  }

  return { url, env, folder, service, requests, ask, post };
}

const bearer = (access = '') => ({ authorization: `Bearer ${access}` });

t.test('nginx sends no request twice, even if a GET changes state', async (t) => {
  if (!requireNginx(t)) return;
  const replicas = await Promise.all([unansweringReplica(t), unansweringReplica(t)]);
  const port = await freePort();
  const [one, other] = replicas.map((replica) => `server 127.0.0.1:${replica.port};`);
  const site = await exampleSite('nginx.conf', {
    'listen 80;': `listen 127.0.0.1:${port};`,
    'server 127.0.0.1:3000;': `${one} ${other}`,
  });
  await startNginx(t, site, port);
  const requests = () => replicas.reduce((sum, { count }) => sum + count(), 0);
  for (const path of ['/refresh', '/6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11']) {
    const before = requests();
    t.equal((await fetch(`http://127.0.0.1:${port}${path}`)).status, 502, `${path}: the answer is lost`);
    t.equal(requests() - before, 1, `${path} is sent once`);
  }
});

t.test('no log of nginx has a query string if nginx cannot even open a socket to the service', async (t) => {
  if (!requireNginx(t)) return;
  const port = await freePort();
  // nginx reports this fault at the level `crit`, as it does when no local port is free.
  const site = await exampleSite('nginx.conf', {
    'listen 80;': `listen 127.0.0.1:${port};`,
    'server 127.0.0.1:3000;': 'server unix:/no/such/kinship.sock;',
  });
  const { folder } = await startNginx(t, site, port);
  const answer = await fetch(`http://127.0.0.1:${port}/auth/password/reset?token=a-secret`);
  t.equal(answer.status, 502);
  for (const name of ['kinship.log', 'kinship-error.log'])
    t.notMatch(await readFile(join(folder, name), 'utf8'), 'a-secret', name);
  const logged = await readFile(join(folder, 'kinship.log'), 'utf8');
  t.match(logged, '/auth/password/reset', 'the request is logged');
});

/** A replica that reads each request and closes the connection without an answer. */
async function unansweringReplica(t: Test) {
  let count = 0;
  const server = createServer((request) => {
    count += 1;
    request.socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, count: () => count };
}

t.test(
  'only the cookie of the console reaches /admin, and nginx removes x-api-key and Authorization',
  async (t) => {
    if (!requireNginx(t)) return;
    const { requests, port: upstream } = await startRecordingApplication(t);
    const port = await freePort();
    const site = await exampleSite('nginx.conf', {
      'listen 80;': `listen 127.0.0.1:${port};`,
      'server 127.0.0.1:3000;': `server 127.0.0.1:${upstream};`,
    });
    await startNginx(t, site, port);
    const own = '__Host-kinship_console=0123456789-0123456789-0123456789-0123456789xyz';
    const headers = { 'x-api-key': 'a-key', authorization: 'Bearer a.b.c', 'x-reason': 'why' };
    const ask = async (path: string, cookie: string) => {
      requests.length = 0;
      const { status } = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { ...headers, cookie } });
      return { status, headers: requests[0]?.headers };
    };
    for (const path of ['/console', '/console/session', '/admin/audit?order=newest']) {
      const answer = await ask(path, `theme=dark; ${own}; a=b`);
      t.equal(answer.status, 200, path);
      t.same(String(answer.headers?.cookie).split(';').filter(Boolean), [own], path);
    }
    const admin = (await ask('/admin/audit', own)).headers;
    t.match(admin, { 'x-api-key': undefined, authorization: undefined, 'x-reason': 'why' });
    for (const cookie of ['', 'theme=dark', 'x__Host-kinship_console=a', '__Host-kinship_console']) {
      t.match(await ask('/admin/audit', cookie), { status: 404, headers: undefined }, cookie);
    }
  },
);

t.test('nginx passes authenticated requests only', async (t) => {
  if (!requireNginx(t) || !(await requirePostgres(t))) return;
  const { url, env, folder, service, requests, ask, post } = await setUp(t);
  const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
  t.equal((await post('/auth/register', ann)).status, 201, 'the service is reached through nginx');
  const logIn = async () => (await post('/auth/login', { username: 'ann', password: PASSWORD })).body;
  const { access = '', refresh = '' } = await logIn();
  const { sub, sid } = claimsOf(access);

  await t.test('a valid token reaches the application with the service’s user id', async (t) => {
    const ways: Record<string, Record<string, string>> = {
      bearer: bearer(access),
      cookie: { cookie: `theme=dark; access_token=${access}` },
      'bearer and a bad cookie': { ...bearer(access), cookie: 'access_token=x' },
    };
    for (const [name, headers] of Object.entries(ways)) {
      requests.length = 0;
      t.same(await ask({ ...headers, ...FORGED_HEADERS }), [200, 'the application'], name);
      t.equal(requests.length, 1, name);
      t.match(requests[0]?.headers, { 'x-user-id': sub, 'x-session-id': sid }, name);
      t.notOk(
        Object.keys(requests[0]?.headers ?? {}).includes('x_user_id'),
        `${name}: no forged header in another spelling`,
      );
    }
  });

  await t.test(
    'a bound token passes with a proof of the request, and the answer holds the nonce',
    async (t) => {
      const key = proofKey();
      const proof = (method: string, path: string, payload: Record<string, unknown> = {}) =>
        proofOf(key, method, url + path, Date.now(), { payload });
      const login = `/auth/login?userId=${sub}&dpopJkt=${key.jkt}`;
      const opened = await fetch(service.url + login, { method: 'POST' });
      const { access: token } = (await opened.json()) as { access: string };
      const ath = athOf(token);
      requests.length = 0;
      const orders = async (dpop: string, headers: Record<string, string> = {}, path = '/orders?page=2') => {
        const sent = { authorization: `DPoP ${token}`, dpop, origin: ORIGIN, ...headers };
        const { status, headers: answered } = await fetch(url + path, { headers: sent });
        return { status, nonce: answered.get('dpop-nonce'), answered };
      };
      const asked = await orders(proof('GET', '/orders', { ath }));
      t.equal(asked.status, 401);
      t.match(asked.answered.get('www-authenticate'), /^DPoP .*error="use_dpop_nonce"$/);
      t.match(asked.answered.get('access-control-expose-headers'), /DPoP-Nonce/);
      const { nonce } = asked;
      t.type(nonce, 'string');
      const good = proof('GET', '/orders', { ath, nonce });
      const cookie = `access_token=${'x'.repeat(3_900)}`;
      t.match(await orders(good, { cookie: `${cookie}; ${cookie}` }), { status: 200, nonce });
      t.match(requests, [{ headers: { 'x-user-id': sub } }]);
      const refused = {
        'a used proof': [good],
        'another method': [proof('POST', '/orders', { ath, nonce })],
        'another path': [proof('GET', '/other', { ath, nonce })],
        'a long path': [proof('GET', `/${'x'.repeat(3_000)}`, { ath, nonce }), {}, `/${'x'.repeat(3_000)}`],
        'a long proof': [proof('GET', '/orders', { ath, nonce, filler: 'x'.repeat(4_000) })],
      } as const;
      for (const [name, [dpop, headers = {}, path = '/orders']] of Object.entries(refused))
        t.equal((await orders(dpop, headers, path)).status, 401, name);
      const elsewhere = proofOf(key, 'GET', 'http://evil.test/orders', Date.now(), {
        payload: { ath, nonce },
      });
      const lines = ['Host: evil.test', `Authorization: DPoP ${token}`, `DPoP: ${elsewhere}`];
      for (const more of [[], ['X-Forwarded-Host: evil.test']]) {
        const bytes = rawRequest('GET /orders', [...lines, ...more, 'Connection: close']);
        t.match((await sendRaw(url, bytes)).outcome, /^401/, 'a host that the client names');
      }
      t.equal((await ask(bearer(token)))[0], 401, 'as a bearer token');
      t.equal(requests.length, 1);
    },
  );

  await t.test('the address of the client is set by nginx, not by the client', async (t) => {
    const credentials = { username: 'ann', password: PASSWORD };
    const { body } = await post('/auth/login', credentials, { 'x-forwarded-for': '203.0.113.9' });
    t.equal(claimsOf(body.access ?? '').userIp, '127.0.0.1');
    requests.length = 0;
    await ask({ ...bearer(access), 'x-forwarded-for': '203.0.113.9' });
    t.equal(requests[0]?.headers['x-forwarded-for'], '127.0.0.1');
  });

  await t.test('a request of any method arrives complete', async (t) => {
    requests.length = 0;
    const body = 'x'.repeat(100_000);
    const chunked = new Blob([body]).stream();
    const streamed: RequestInit & { duplex: 'half' } = { method: 'PUT', body: chunked, duplex: 'half' };
    for (const init of [{ method: 'POST', body }, streamed, { method: 'DELETE' }])
      t.same(await ask(bearer(access), init), [200, 'the application'], `${init.method}`);
    t.same(
      requests.map((request) => [request.method, request.body.length]),
      [
        ['POST', 100_000],
        ['PUT', 100_000],
        ['DELETE', 0],
      ],
    );
  });

  await t.test('a missing or invalid token does not reach the application', async (t) => {
    requests.length = 0;
    const ways: Record<string, Record<string, string>> = {
      nothing: {},
      'forged headers': FORGED_HEADERS,
      'a bearer that is no token': bearer('x'),
      'a refresh token': bearer(refresh),
      'an altered token': bearer(access.replace(/.(?=.{9}$)/, (last) => (last === 'A' ? 'B' : 'A'))),
      'an unknown scheme together with a valid cookie': {
        authorization: 'Basic cm9vdDpyb290',
        cookie: `access_token=${access}`,
      },
      'a bad cookie': { cookie: 'access_token=x' },
      'a token in the cookie of the refresh token': { cookie: `refresh_token=${access}` },
    };
    for (const [name, headers] of Object.entries(ways)) t.equal((await ask(headers))[0], 401, name);
    const elsewhere = { cookie: `access_token=${access}`, 'sec-fetch-site': 'cross-site' };
    t.equal((await ask(elsewhere))[0], 403, 'a cookie that another site made a browser send');
    t.equal(
      (await fetch(`${url}/_kinship_verify`, { headers: bearer(access) })).status,
      404,
      'the location of the checks',
    );
    t.same(requests, [], 'no such request reached the application');
  });

  await t.test(
    'a page of another origin can read a refusal by nginx, and its preflight request reaches the application',
    async (t) => {
      requests.length = 0;
      const cors = { origin: ORIGIN };
      const refused = await fetch(`${url}/orders`, { headers: cors });
      t.equal(refused.status, 401);
      t.match(Object.fromEntries(refused.headers), {
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-credentials': 'true',
        vary: /origin/i,
        'www-authenticate': /^Bearer/,
        'content-type': 'application/problem+json',
      });
      t.match(await refused.json(), { code: 'unauthenticated', recovery: 'login', status: 401 });
      for (const [id, wanted] of [
        ['order-7', 'order-7'],
        ['a"b', /^[0-9a-f]{32}$/],
      ] as const) {
        const answer = await fetch(`${url}/orders`, { headers: { 'x-request-id': id } });
        t.match(await answer.json(), { instance: wanted }, 'the answer is JSON with the id of the request');
      }
      const stranger = await fetch(`${url}/orders`, { headers: { origin: 'https://other.test' } });
      t.equal(stranger.headers.get('access-control-allow-origin'), null);
      t.equal(stranger.headers.get('access-control-allow-credentials'), null);
      const cookie = `access_token=${access}`;
      const crossSite = await fetch(`${url}/orders`, {
        headers: { ...cors, cookie, 'sec-fetch-site': 'cross-site' },
      });
      t.equal(crossSite.status, 403);
      t.equal(crossSite.headers.get('access-control-allow-origin'), ORIGIN);
      t.equal(crossSite.headers.get('access-control-allow-credentials'), 'true');
      t.same(requests, []);
      const preflight = { ...cors, 'access-control-request-method': 'PUT', ...FORGED_HEADERS };
      t.equal((await fetch(`${url}/orders`, { method: 'OPTIONS', headers: preflight })).status, 200);
      t.match(requests, [{ method: 'OPTIONS', body: '' }]);
      t.notOk('x-user-id' in (requests[0]?.headers ?? {}), 'the preflight request has no user id');
      for (const method of ['GET', 'PUT']) {
        const answer = await fetch(`${url}/orders`, { method, headers: preflight });
        t.equal(answer.status, 401, `${method} is no preflight`);
      }
      t.equal((await fetch(`${url}/orders`, { method: 'OPTIONS', headers: cors })).status, 401);
      t.equal(requests.length, 1);
    },
  );

  await t.test('cookies of the application reach only the application', async (t) => {
    const applicationCookies = `a=${'x'.repeat(9_000)}; b=${'y'.repeat(9_000)}`;
    requests.length = 0;
    t.equal((await ask({ cookie: `${applicationCookies}; access_token=${access}` }))[0], 200);
    t.equal(requests[0]?.headers.cookie, `${applicationCookies}; access_token=${access}`);
    t.equal((await ask({ cookie: applicationCookies, ...bearer(access) }))[0], 200);
    const loggedIn = await post(
      '/auth/login',
      { username: 'ann', password: PASSWORD },
      { cookie: applicationCookies },
    );
    t.equal(loggedIn.status, 200, 'nginx does not pass these cookies to the service');
    requests.length = 0;
    for (const [name, headers] of Object.entries({
      'two cookies, the valid cookie first': {
        cookie: `access_token=${access}; ${applicationCookies}; access_token=x`,
      },
      'two cookies, the valid cookie last': { cookie: `access_token=x; a=b;access_token=${access}` },
      'an empty twin': { cookie: `access_token=; access_token=${access}` },
      'a long header': { ...bearer('x'.repeat(20_000)), cookie: `access_token=${access}` },
      'long headers of both kinds': {
        ...bearer('x'.repeat(4_000)),
        cookie: ['access_token', 'access_token', '__Host-kinship_access']
          .map((cookie) => `${cookie}=${'x'.repeat(3_990)}`)
          .join('; '),
      },
      'a long cookie': { cookie: `access_token=${'x'.repeat(20_000)}` },
      'long headers of other kinds': {
        'user-agent': 'x'.repeat(20_000),
        'sec-fetch-site': 'y'.repeat(20_000),
      },
    }))
      t.equal((await ask(headers))[0], 401, name);
    t.same(requests, []);
  });

  await t.test(
    'each public route reaches the service with its cookies, and no internal route does',
    async (t) => {
      const document = JSON.parse(await readFile('docs/openapi.json', 'utf8')) as {
        paths: Record<string, Record<string, unknown>>;
      };
      const inner = /^\/(?:admin|metrics|health|revocations)\b/;
      for (const [path, methods] of Object.entries(document.paths)) {
        const target = path.replaceAll(/\{\w+\}/g, '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11');
        for (const method of Object.keys(methods)) {
          requests.length = 0;
          const answer = await fetch(url + target, { method: method.toUpperCase(), redirect: 'manual' });
          const isOwn = answer.headers.has('x-request-id');
          t.equal(isOwn, !inner.test(path), `${method} ${path}: ${answer.status}`);
          t.same(requests, []);
        }
      }
      t.match(await (await fetch(`${url}/docs/json`)).json(), { openapi: String });
      const planted = `refresh_token=a; x=y; refresh_token=b; access_token=${access}`;
      const twice = await fetch(`${url}/refresh`, { headers: { cookie: planted } });
      t.same([twice.status, await twice.text()], [400, 'Wrong data structure'], 'both cookies arrive');
    },
  );

  await t.test('an ended session is refused at once', async (t) => {
    const other = await logIn();
    t.equal((await ask(bearer(other.access)))[0], 200);
    t.equal((await post('/auth/logout', undefined, bearer(other.access))).status, 204);
    requests.length = 0;
    t.equal((await ask(bearer(other.access)))[0], 401);
    t.equal((await ask({ cookie: `access_token=${other.access}` }))[0], 401);
    t.same(requests, []);
    t.equal((await ask(bearer(access)))[0], 200, 'and no other session is refused');
  });

  await t.test('no request reaches the application while the service is down', async (t) => {
    await service.close();
    requests.length = 0;
    for (const headers of [bearer(access), {}]) {
      const answer = await fetch(`${url}/orders`, { headers: { ...headers, origin: ORIGIN } });
      t.equal(answer.status, 503);
      t.equal(answer.headers.get('access-control-allow-origin'), ORIGIN);
      t.equal(answer.headers.get('access-control-allow-credentials'), 'true');
      t.match(await answer.json(), { code: 'unavailable', recovery: 'retry' });
    }
    t.same(requests, []);
    await fetch(`${url}/auth/not-me?token=a-secret`);
    await fetch(`${url}/orders?token=a-secret`);
    await startServiceInProcess(t, env);
    t.equal((await ask(bearer(access)))[0], 200, 'requests pass once the service runs again');
  });

  await t.test('no log of nginx has a query string', async (t) => {
    await fetch(`${url}/auth/password/reset?token=a-secret`, { headers: { referer: `${url}/?b-secret` } });
    const [access, error] = await Promise.all(
      ['kinship.log', 'kinship-error.log'].map((name) => readFile(join(folder, name), 'utf8')),
    );
    t.match(access, /"GET \/auth\/password\/reset HTTP\/1.1" /);
    t.notMatch(`${access}${error}`, /[ab]-secret/);
  });
});
