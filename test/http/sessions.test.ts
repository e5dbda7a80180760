import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createLoginAuthorizer } from '../../src/adapters/http/server/authorize-login.ts';
import { claimsOf } from '../support/forge.ts';
import { SERVICE_KEY, serviceKeys, startHttpService } from '../support/http.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

t.test('login by user id returns a pair', async (t) => {
  const { post } = await startHttpService(t);
  const { status, headers, body } = await post(`/auth/login?userId=${USER.toUpperCase()}`);
  t.equal(status, 200);
  t.match(headers.get('content-type'), /^application\/json/);
  t.equal(headers.get('cache-control'), 'no-store');
  t.same(Object.keys(body).sort(), ['access', 'expiresIn', 'refresh']);
  t.equal(body.expiresIn, 900);
  const access = claimsOf(String(body.access));
  const refresh = claimsOf(String(body.refresh));
  t.match(access, {
    sub: USER,
    userId: USER,
    userIp: '127.0.0.1',
    client_id: 'kinship',
    iss: 'kinship',
    aud: 'kinship',
  });
  t.equal(access.jti, access.linkerId);
  t.equal(access.sid, refresh.tokenFamily);
  t.equal(access.linkerId, refresh.linkerId);
  t.equal(refresh.generation, 0);
});

t.test('login by user id refuses undocumented requests', async (t) => {
  const { post } = await startHttpService(t);
  for (const query of [
    '',
    '?userId=',
    '?userId=42',
    `?userId=${USER}&userId=${USER}`,
    `?userId=${USER}&binding=loose`,
    `?userId=${USER}&email=ann@example.com%0d%0aBcc:eve@example.com`,
    `?userId=${USER}&email=ann@example.com,eve@example.com`,
    `?userId=${USER}&email=%22ann%22@example.com`,
    `?userId=${USER}&email=Ann%20%3Cann@example.com%3E`,
    `?userId=${USER}&email=${'a'.repeat(250)}@example.com`,
    "?userId=' OR 1=1 --",
    '?userId=%27;drop table token_families',
  ]) {
    const { status, body } = await post(`/auth/login${query}`);
    t.same([status, body.code, body.recovery], [400, 'invalid_request', 'none'], query);
  }
});

t.test('a refresh accepts the tokens in the query or in the body', async (t) => {
  const { post } = await startHttpService(t);
  const { body: first } = await post(`/auth/login?userId=${USER}`);
  const query = new URLSearchParams({
    refreshToken: String(first.refresh),
    accessToken: String(first.access),
  });
  const second = await post(`/auth/refresh?${query}`);
  t.equal(second.status, 200);
  t.equal(second.headers.get('cache-control'), 'no-store');
  const third = await post('/auth/refresh', {
    refreshToken: second.body.refresh,
    accessToken: second.body.access,
  });
  t.equal(third.status, 200);
  t.equal(claimsOf(String(third.body.refresh)).generation, 2);
  const mixed = await post(`/auth/refresh?refreshToken=${third.body.refresh}`, {
    accessToken: third.body.access,
  });
  t.equal(mixed.status, 200, 'each token once, in the query or in the body');
  const twice = await post(`/auth/refresh?${query}`, { refreshToken: first.refresh });
  t.same([twice.status, twice.body.code], [400, 'invalid_request']);
  const replay = await post(`/auth/refresh?${query}`);
  t.same([replay.status, replay.body.code, replay.body.recovery], [401, 'token_reused', 'login']);
  t.equal(replay.headers.get('content-type'), 'application/problem+json');
});

t.test('an Idempotency-Key makes a retry safe', async (t) => {
  const { post } = await startHttpService(t);
  const { body: first } = await post(`/auth/login?userId=${USER}`);
  const body = { refreshToken: first.refresh, accessToken: first.access };
  const key = { 'idempotency-key': `"${randomUUID()}"` };
  const second = await post('/auth/refresh', body, key);
  t.same((await post('/auth/refresh', body, key)).body, second.body);
  const next = { refreshToken: second.body.refresh, accessToken: second.body.access };
  const reused = await post('/auth/refresh', next, key);
  t.same([reused.status, reused.body.code], [422, 'idempotency_key_reused']);
  for (const bad of ['', 'two words', 'x'.repeat(256), 'tab\tbed']) {
    const { status, body: problem } = await post('/auth/refresh', next, { 'idempotency-key': bad });
    t.same([status, problem.code], [400, 'invalid_request'], JSON.stringify(bad));
  }
  t.equal((await post('/auth/refresh', next, { 'idempotency-key': 'x'.repeat(255) })).status, 200);
});

t.test('an unpaired session is refreshed with the refresh token alone', async (t) => {
  const { post } = await startHttpService(t);
  const { body } = await post(`/auth/login?userId=${USER}&binding=refresh`);
  t.equal((await post('/auth/refresh', { refreshToken: body.refresh })).status, 200);
});

t.test('LOGIN_BY_USER_ID decides which callers may log users in', async (t) => {
  const path = `/auth/login?userId=${USER}`;
  const withKey = { 'x-api-key': SERVICE_KEY };
  const startInMode = (mode: Parameters<typeof createLoginAuthorizer>[0]) =>
    startHttpService(t, { http: { authorizeLogin: createLoginAuthorizer(mode, serviceKeys) } });

  const key = await startInMode('key');
  t.equal((await key.post(path)).status, 401);
  t.equal((await key.post(path, undefined, { 'x-api-key': 'wrong' })).body.code, 'unauthenticated');
  t.equal((await key.post(path, undefined, { 'x-api-key': `other-${SERVICE_KEY}` })).body.code, 'forbidden');
  const { status, body } = await key.post(path, undefined, withKey);
  t.equal(status, 200);
  t.equal(claimsOf(String(body.access)).client_id, 'backend');

  const local = await startInMode('local');
  t.equal((await local.post(path)).status, 200);
  for (const headers of [
    { 'x-forwarded-for': '127.0.0.1' },
    { forwarded: 'for=127.0.0.1' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ]) {
    const refused = await local.post(path, undefined, headers);
    t.match(
      refused,
      { status: 401, body: { detail: /unless it has x-forwarded-for/ } },
      JSON.stringify(headers),
    );
    t.equal(
      (await local.post(path, undefined, { ...headers, ...withKey })).status,
      200,
      'the mode local accepts a service key from anywhere',
    );
  }

  const named = (host: string, ...more: string[]) => {
    const headers = [`Host: ${host}`, 'Content-Length: 0', 'Connection: close', ...more];
    return sendRaw(local.url, rawRequest(`POST ${path}`, headers));
  };
  for (const host of ['localhost', 'LOCALHOST:3000', '127.0.0.1:3000', '[::1]:3000']) {
    t.equal((await named(host)).outcome, '200', host);
    t.equal((await named('localhost', `Origin: http://${host}`)).outcome, '200', `a page of ${host}`);
  }
  for (const host of ['evil.example', 'localhost.evil.example', '[::2]:3000', '10.0.0.1'])
    t.equal((await named(host)).outcome, '401 unauthenticated', host);

  const off = await startInMode('off');
  t.equal((await off.post(path, undefined, withKey)).body.code, 'forbidden');
});

t.test(
  'X-Forwarded-For of a peer that is not trusted is ignored, and a warning is logged only once',
  async (t) => {
    const { post, lines } = await startHttpService(t);
    for (const address of ['192.0.2.1', '192.0.2.2']) {
      const { body } = await post(`/auth/login?userId=${USER}`, undefined, { 'x-forwarded-for': address });
      t.equal(claimsOf(String(body.access)).userIp, '127.0.0.1');
    }
    t.equal(lines.filter((line) => line.includes('TRUST_PROXY')).length, 1);

    const trusting = await startHttpService(t, { http: { trustProxy: ['127.0.0.1', '10.0.0.0/8'] } });
    for (const [header, address] of [
      ['192.0.2.1', '192.0.2.1'],
      ['192.0.2.66, 192.0.2.1, 10.1.2.3', '192.0.2.1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
    ] as const) {
      const { body } = await trusting.post(`/auth/login?userId=${USER}`, undefined, {
        'x-forwarded-for': header,
      });
      t.equal(claimsOf(String(body.access)).userIp, address, header);
    }
    t.notOk(trusting.lines.some((line) => line.includes('TRUST_PROXY')));
  },
);

t.test('an invalid X-Forwarded-For entry is warned about once', async (t) => {
  const { send, lines } = await startHttpService(t, { http: { trustProxy: ['127.0.0.1', '10.0.0.0/8'] } });
  const warnings = () => lines.filter((line) => line.includes('it is not an address'));
  for (const header of ['203.0.113.9:61598', '[2001:db8::9]:443', 'unknown, 203.0.113.9', '127.0.0.1', ',,'])
    await send('/health/live', { headers: { 'x-forwarded-for': header } });
  t.same(warnings(), []);
  for (const header of ['203.0.113.9, secret, 10.1.2.3', 'unknown'])
    await send('/health/live', { headers: { 'x-forwarded-for': header } });
  t.equal(warnings().length, 1);
  t.match(JSON.parse(warnings()[0] ?? ''), { level: 40, proxy: '10.1.2.3' });
  t.notOk(lines.some((line) => line.includes('secret') || line.includes('TRUST_PROXY')));
});

t.test('only allowed origins get CORS headers', async (t) => {
  const { send } = await startHttpService(t, { http: { corsOrigins: ['https://app.example.com'] } });
  const allowedOriginFor = async (origin: string) => {
    const { headers } = await send('/health/live', { headers: { origin } });
    return headers.get('access-control-allow-origin');
  };
  t.equal(await allowedOriginFor('https://app.example.com'), 'https://app.example.com');
  t.equal(await allowedOriginFor('https://evil.example'), null);
  t.equal(await allowedOriginFor('null'), null);
  const { headers } = await send('/health/live', { headers: { origin: 'https://app.example.com' } });
  const exposed = headers.get('access-control-expose-headers')?.split(', ') ?? [];
  for (const name of ['x-request-id', 'retry-after', 'www-authenticate', 'ratelimit', 'ratelimit-policy'])
    t.ok(exposed.includes(name), name);
  const preflight = await send('/auth/refresh', {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example.com',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,idempotency-key',
    },
  });
  t.equal(preflight.status, 204);
  t.match(preflight.headers.get('access-control-allow-headers'), /idempotency-key/);
  t.match(preflight.headers.get('access-control-allow-methods'), /DELETE/);
});
