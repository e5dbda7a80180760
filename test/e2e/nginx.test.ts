import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { composed, dataDir } from '../support/composed.ts';
import { requireNginx, startNginx } from '../support/nginx.ts';
import { freePort } from '../support/ports.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import { claimsOf } from '../support/sessions.ts';

const PASSWORD = 'a violet piano 42';
const LIAR = { 'x-user-id': 'root', 'X-Session-Id': 'none', X_User_Id: 'root' };

/** What the example says, with the addresses of this test. */
function example(ports: { nginx: number; kinship: number; application: number }): string {
  let text = readFileSync('docs/examples/nginx.conf', 'utf8');
  for (const [said, port] of [
    ['listen 80;', `listen 127.0.0.1:${ports.nginx};`],
    ['server 127.0.0.1:3000;', `server 127.0.0.1:${ports.kinship};`],
    ['server 127.0.0.1:8080;', `server 127.0.0.1:${ports.application};`],
  ] as const) {
    if (!text.includes(said)) throw new Error(`The example does not say ${said}`);
    text = text.replace(said, port);
  }
  return text;
}

/** What stands behind the proxy: it answers all, and keeps what it was asked. */
async function application(t: Test) {
  const requests: { method: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push({ method: request.method, headers: request.headers, body });
    response.end('the application');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { requests, port: (server.address() as AddressInfo).port };
}

async function setUp(t: Test) {
  const ports = { nginx: await freePort(), kinship: await freePort() };
  const env = {
    API_PORT: String(ports.kinship),
    DATA_DIR: await dataDir(t),
    DATABASE_URL: await testDatabase(t),
    TRUST_PROXY: '127.0.0.1',
    MAIL: 'off',
  };
  const { requests, port } = await application(t);
  const service = await composed(t, env);
  await startNginx(t, example({ ...ports, application: port }), ports.nginx);
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

  return { url, env, service, requests, ask, post };
}

const bearer = (access = '') => ({ authorization: `Bearer ${access}` });

t.test('nginx lets through whom the service knows, and nobody else', async (t) => {
  if (!requireNginx(t) || !(await requirePostgres(t))) return;
  const { url, env, service, requests, ask, post } = await setUp(t);
  const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
  t.equal((await post('/auth/register', ann)).status, 201, 'the service is reached through nginx');
  const logIn = async () => (await post('/auth/login', { username: 'ann', password: PASSWORD })).body;
  const { access = '', refresh = '' } = await logIn();
  const { sub, sid } = claimsOf(access);

  await t.test('with a good token, as whom the service says', async (t) => {
    const ways: Record<string, Record<string, string>> = {
      bearer: bearer(access),
      cookie: { cookie: `theme=dark; access_token=${access}` },
      'bearer and a bad cookie': { ...bearer(access), cookie: 'access_token=x' },
    };
    for (const [name, headers] of Object.entries(ways)) {
      requests.length = 0;
      t.same(await ask({ ...headers, ...LIAR }), [200, 'the application'], name);
      t.equal(requests.length, 1, name);
      t.match(requests[0]?.headers, { 'x-user-id': sub, 'x-session-id': sid }, name);
      t.notOk(
        Object.keys(requests[0]?.headers ?? {}).includes('x_user_id'),
        `${name}: nor in another spelling`,
      );
    }
  });

  await t.test('from where nginx says, not the client', async (t) => {
    const credentials = { username: 'ann', password: PASSWORD };
    const { body } = await post('/auth/login', credentials, { 'x-forwarded-for': '203.0.113.9' });
    t.equal(claimsOf(body.access ?? '').userIp, '127.0.0.1');
    requests.length = 0;
    await ask({ ...bearer(access), 'x-forwarded-for': '203.0.113.9' });
    t.equal(requests[0]?.headers['x-forwarded-for'], '127.0.0.1');
  });

  await t.test('whatever the request, which arrives whole', async (t) => {
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

  await t.test('without one, or with one that is none, not at all', async (t) => {
    requests.length = 0;
    const ways: Record<string, Record<string, string>> = {
      nothing: {},
      'a claim': LIAR,
      'no token': bearer('x'),
      'a refresh token': bearer(refresh),
      'one that was altered': bearer(access.replace(/.(?=.{9}$)/, (last) => (last === 'A' ? 'B' : 'A'))),
      'a scheme that is not known, beside a good cookie': {
        authorization: 'Basic cm9vdDpyb290',
        cookie: `access_token=${access}`,
      },
      'a bad cookie': { cookie: 'access_token=x' },
      'a cookie of the other half': { cookie: `refresh_token=${access}` },
    };
    for (const [name, headers] of Object.entries(ways)) t.equal((await ask(headers))[0], 401, name);
    const elsewhere = { cookie: `access_token=${access}`, 'sec-fetch-site': 'cross-site' };
    t.equal((await ask(elsewhere))[0], 403, 'a cookie that another site made a browser send');
    t.equal((await fetch(`${url}/_kinship_verify`, { headers: bearer(access) })).status, 404, 'the question');
    t.same(requests, [], 'the application has seen none of them');
  });

  await t.test('a session that was ended is out at once', async (t) => {
    const other = await logIn();
    t.equal((await ask(bearer(other.access)))[0], 200);
    t.equal((await post('/auth/logout', undefined, bearer(other.access))).status, 204);
    requests.length = 0;
    t.equal((await ask(bearer(other.access)))[0], 401);
    t.equal((await ask({ cookie: `access_token=${other.access}` }))[0], 401);
    t.same(requests, []);
    t.equal((await ask(bearer(access)))[0], 200, 'and no other one is');
  });

  await t.test('while the service is away nobody is let through', async (t) => {
    await service.close();
    requests.length = 0;
    for (const headers of [bearer(access), {}]) {
      const [status] = await ask(headers);
      t.ok(status >= 500 && status <= 599, String(status));
    }
    t.same(requests, []);
    await composed(t, env);
    t.equal((await ask(bearer(access)))[0], 200, 'until it is back');
  });
});
