import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, SIGNALS_KEY, startHttpService, VERIFY_KEY } from '../support/http.ts';
import { someKeySet } from '../support/key-set.ts';
import { openapiOf } from '../support/openapi.ts';
import { PASSWORD } from '../support/passwords.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { HOME } from '../support/sessions.ts';

const ISSUER = 'https://kinship.example';
/** The routes that change state by GET. */
const CHANGING = ['/{guid}', '/refresh'];
/** Pages that look up a link in the database. They refuse an unknown link. */
const BY_STORED_LINK = [
  '/auth/password/reset',
  '/auth/email/verify',
  '/auth/email/change',
  '/auth/email/undo',
];
/** Headers that differ between two answers of one route. After HEAD, `fetch` itself asks to close the connection. */
const VARYING = [
  'date',
  'x-request-id',
  'ratelimit-remaining',
  'connection',
  'keep-alive',
  'transfer-encoding',
];

async function startSignedIn(t: Test) {
  const service = await startHttpService(t, {
    ...(await someKeySet('ES256')),
    http: { publicUrl: ISSUER, issuer: ISSUER },
  });
  const account = { username: 'ann', password: PASSWORD };
  const { id } = (await service.post('/auth/register', { ...account, email: 'ann@example.com' })).body;
  const { access } = (await service.post('/auth/login', account)).body;
  const authorization = `Bearer ${access}`;
  await service.post('/api/v1/tasks/', { text: 'Water the plants' }, { authorization });
  const endpoint = { url: 'https://hooks.example.com/kinship', types: ['*'] };
  const webhook = await service.post('/admin/webhooks', endpoint, { 'x-api-key': service.adminKey });
  const webhookId = String(webhook.body.id);
  const delivery = { method: 'urn:ietf:rfc:8935', endpoint_url: 'https://receiver.example.com/' };
  const stream = await service.post('/signals/streams', { delivery }, { 'x-api-key': SIGNALS_KEY });
  return {
    ...service,
    streamId: String(stream.body.stream_id),
    userId: String(id),
    authorization,
    webhookId,
    sid: String(claimsOf(String(access)).sid),
  };
}

/** For each GET route a URL and the headers that it needs. Only routes of {@link BY_STORED_LINK} refuse the request. */
async function getRequests(t: Test, service: Awaited<ReturnType<typeof startSignedIn>>) {
  const { paths } = await openapiOf(t);
  const { authorization, userId, sid, webhookId, streamId, adminKey } = service;
  const queries: Record<string, string> = {
    '/admin/sessions': `?userId=${userId}`,
    '/signals/status': `?stream_id=${streamId}`,
    '/auth/not-me': `?token=${service.links.makeNotMeToken(sid, userId, service.time.now + 1_000)}`,
    ...Object.fromEntries(BY_STORED_LINK.map((path) => [path, '?token=unknown'])),
  };
  const ids: Record<string, string> = {
    '/api/v1/tasks/{id}/': '1',
    '/{guid}': userId,
    '/admin/sessions/{id}/events': sid,
    '/admin/webhooks/{id}': webhookId,
    '/admin/webhooks/{id}/deliveries': webhookId,
  };
  const found = Object.entries(paths).filter(([, operations]) => 'get' in operations);
  const documented = found.map(([path]) => ({
    path,
    url: path.replace(/\{\w+\}/, ids[path] ?? userId) + (queries[path] ?? ''),
    headers: headersFor(path, { authorization, adminKey }),
  }));
  const pages = ['/docs', '/docs/json', '/docs/static/index.html', '/docs/static/swagger-ui.css'];
  return [...documented, ...pages.map((path) => ({ path, url: path, headers: {} }))];
}

function headersFor(
  path: string,
  known: { authorization: string; adminKey: string },
): Record<string, string> {
  if (path === '/metrics') return {};
  if (path === '/revocations') return { 'x-api-key': VERIFY_KEY };
  if (path.startsWith('/signals')) return { 'x-api-key': SIGNALS_KEY };
  if (path.startsWith('/admin') || path === '/api/v1/auth/sessions') return { 'x-api-key': known.adminKey };
  return { authorization: known.authorization };
}

t.test('HEAD is answered like GET, without the body', async (t) => {
  const service = await startSignedIn(t);
  service.revoked.setComplete(true);
  const requests = (await getRequests(t, service)).filter(({ path }) => !CHANGING.includes(path));
  t.ok(requests.length > 20, `${requests.length} routes`);
  for (const { path, url, headers } of requests) {
    const ask = (method: string) => fetch(service.url + url, { method, headers, redirect: 'manual' });
    const [get, head] = [await ask('GET'), await ask('HEAD')];
    t.ok(get.status < 400 || BY_STORED_LINK.includes(path), `${path}: ${get.status}`);
    t.equal(head.status, get.status, path);
    t.same(comparable(path, head), comparable(path, get), path);
    await get.body?.cancel(); // one of these bodies is a stream without an end
    t.equal((await head.text()).length, 0, path);
  }
  const { text } = await sendRaw(
    service.url,
    rawRequest('HEAD /health/live', ['Host: localhost', 'Connection: close']),
  );
  t.match(text, /\r\n\r\n$/, 'no byte of a body on the connection');
});

function comparable(path: string, { headers }: Response): Record<string, string> {
  // Each request changes the length of the metrics.
  const varying = path === '/metrics' ? [...VARYING, 'content-length'] : VARYING;
  return Object.fromEntries([...headers].filter(([name]) => !varying.includes(name)));
}

t.test('a HEAD does not use up a link or change a session', async (t) => {
  const service = await startSignedIn(t);
  const { url, authorization, userId, sid } = service;
  const link = `${url}/auth/not-me?token=${service.links.makeNotMeToken(sid, userId, service.time.now + 1_000)}`;
  for (let time = 0; time < 2; time += 1) {
    t.equal((await fetch(link, { method: 'HEAD' })).status, 200);
  }
  t.equal((await fetch(`${url}/auth/me`, { headers: { authorization } })).status, 200);
});

t.test('HEAD is refused where GET changes state, and changes nothing', async (t) => {
  const { url, families } = await startHttpService(t);
  const guid = randomUUID();
  const opened = await fetch(`${url}/${guid}`);
  const cookie = opened.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const before = (await families.list(null, { now: 0, limit: 10, after: null })).length;
  for (const path of [`/${randomUUID()}`, '/refresh']) {
    const { status, headers } = await fetch(url + path, { method: 'HEAD', headers: { cookie } });
    t.same([status, headers.get('allow'), headers.getSetCookie()], [405, 'GET, OPTIONS', []], path);
  }
  t.equal((await families.list(null, { now: 0, limit: 10, after: null })).length, before);
  const refreshed = await fetch(`${url}/refresh`, { headers: { cookie, 'user-agent': HOME.userAgent } });
  t.equal(refreshed.status, 200, 'the pair is still valid');
});

t.test('a method that a known path does not support is answered with 405 and Allow', async (t) => {
  const service = await startHttpService(t);
  const cases: readonly (readonly [string, string, string])[] = [
    ['GET', `/auth/login?userId=${randomUUID()}`, 'POST, OPTIONS'],
    ['HEAD', '/auth/login', 'POST, OPTIONS'],
    ['TRACE', '/auth/login', 'POST, OPTIONS'],
    ['PROPFIND', '/auth/login', 'POST, OPTIONS'],
    ['GET', '/oauth/token', 'POST, OPTIONS'],
    ['POST', '/health/live', 'GET, HEAD, OPTIONS'],
    ['PUT', '/auth/me', 'GET, HEAD, DELETE, OPTIONS'],
    ['PUT', '/auth/not-me?token=secret', 'GET, HEAD, POST, OPTIONS'],
    ['POST', `/${randomUUID()}`, 'GET, OPTIONS'],
    ['GET', '/api/v1/auth/login', 'POST, OPTIONS'],
    ['POST', '/api/v1/tasks/7/', 'GET, HEAD, DELETE, PATCH, PUT, OPTIONS'],
    ['DELETE', '/metrics', 'GET, HEAD, OPTIONS'],
    ['POST', '/docs', 'GET, HEAD, OPTIONS'],
  ];
  for (const [method, path, allow] of cases) {
    const name = `${method} ${path}`;
    const { text, outcome } = await sendRaw(
      service.url,
      rawRequest(name, ['Host: localhost', 'Connection: close']),
    );
    t.equal(allowIn(text), sortMethods(allow), name);
    if (method === 'HEAD') continue;
    t.equal(outcome, '405 method_not_allowed', name);
    t.match(text, /content-type: application\/problem\+json/, name);
    const { detail } = JSON.parse(text.split('\r\n\r\n')[1] ?? '') as { detail: string };
    t.match(detail, new RegExp(`^This path does not support ${method}\\. It supports `), name);
    t.equal(sortMethods(detail.replace(/^.*It supports |\.$/g, '')), sortMethods(allow), name);
    t.notMatch(detail, 'secret');
  }
});

t.test('a request is answered with 405 before its body is read', async (t) => {
  const { send } = await startHttpService(t);
  const bodies = { 'no JSON': 'x', 'a large one': 'x'.repeat(100_000) };
  for (const [name, body] of Object.entries(bodies)) {
    const { status } = await send('/auth/me', { method: 'PUT', body, headers: { 'content-type': 'a/b' } });
    t.equal(status, 405, name);
  }
});

t.test('OPTIONS of a known path lists its methods', async (t) => {
  const service = await startHttpService(t);
  t.same(await options(service, '/auth/me'), [204, sortMethods('GET, HEAD, DELETE, OPTIONS')]);
  t.same(await options(service, '/refresh'), [204, sortMethods('GET, OPTIONS')]);
  t.same(await options(service, '/nowhere'), [404, null]);
});

async function options({ url }: HttpService, path: string) {
  const { status, headers } = await fetch(url + path, { method: 'OPTIONS' });
  const allow = headers.get('allow');
  return [status, allow && sortMethods(allow)];
}

function allowIn(text: string): string {
  return sortMethods(/^allow: (.*)$/im.exec(text)?.[1] ?? '');
}

function sortMethods(methods: string): string {
  return methods.trim().split(', ').sort().join(', ');
}
