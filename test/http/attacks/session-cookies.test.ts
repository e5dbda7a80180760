import type { Test } from 'tap';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { type Answer, browser, cookiesOf } from '../../support/browser.ts';
import {
  ACCESS,
  type CookieRequest,
  cookieBrowser,
  cookieRequests,
  REFRESH,
  resultOf,
} from '../../support/cookie-session.ts';
import { proofKey, proofOf } from '../../support/dpop.ts';
import { registerAndLogIn } from '../../support/factors.ts';
import { claimsOf } from '../../support/forge.ts';
import type { HttpOverrides } from '../../support/http.ts';
import { PASSWORD } from '../../support/passwords.ts';
import {
  assertUnchanged,
  databaseTest,
  revokedFamilies,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const ORIGIN = 'https://app.example.com';
const SERVICE = 'https://auth.example.com';

/** A user whose browser holds a session in cookies. */
async function victim(t: Test, sql: Sql, http: HttpOverrides = {}) {
  const service = await serviceOnDatabase(t, sql, { http: { sessionCookies: true, ...http } });
  await registerAndLogIn(service);
  const page = cookieBrowser(service.url);
  await page.logIn();
  const sent = await page.cookies('/auth/refresh');
  const family = String(claimsOf(sent[REFRESH] ?? '').tokenFamily);
  const assertLive = async () => {
    t.equal((await page.post('/auth/refresh')).status, 200, 'the session lives');
    const { [REFRESH]: next = '' } = await page.cookies('/auth/refresh');
    t.equal(claimsOf(next).tokenFamily, family, 'the session is the same');
  };
  const assertRefused = async (name: string, wanted: string, request: () => Promise<Answer>) => {
    const answer = await assertUnchanged(t, sql, request, name);
    t.equal(resultOf(answer), wanted, name);
    return answer;
  };
  return { service, page, sent, family, assertLive, assertRefused };
}

/** Requests that change the session of their cookies. */
const EXCHANGES: readonly CookieRequest[] = [
  { method: 'POST', path: '/auth/refresh' },
  { method: 'POST', path: '/auth/step-up', json: { password: PASSWORD } },
  { method: 'POST', path: '/auth/logout?scope=all' },
];

databaseTest('a page of an origin that is not allowed changes nothing', async (t, sql) => {
  const http = { corsOrigins: [ORIGIN], publicUrl: null };
  const { service, page, family, assertLive, assertRefused } = await victim(t, sql, http);
  const everyRoute = [...EXCHANGES, ...(await cookieRequests(service, family))];
  for (const method of ['GET', 'POST', 'PATCH', 'DELETE'])
    t.ok(
      everyRoute.some((request) => request.method === method),
      method,
    );
  const foreign = {
    'another site': { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    'another site, of an old browser': { origin: 'https://evil.example' },
    'a sandboxed frame': { origin: 'null' },
    'a sibling domain': { origin: 'https://evil.example.com', 'sec-fetch-site': 'same-site' },
    'an allowed origin of another site': { origin: ORIGIN, 'sec-fetch-site': 'cross-site' },
    'a sibling domain without Origin': { 'sec-fetch-site': 'same-site' },
    'another site without Origin': { 'sec-fetch-site': 'cross-site' },
    'an unknown relation': { origin: ORIGIN, 'sec-fetch-site': 'same-site, cross-site' },
    'an origin that only begins like the allowed origin': { origin: `${ORIGIN}.evil.example` },
    'an origin that is no URL': { origin: 'app.example.com' },
  };
  const { 'another site': anotherSite } = foreign;
  for (const [name, headers] of Object.entries(foreign))
    for (const { method, path, json } of headers === anotherSite ? everyRoute : EXCHANGES)
      await assertRefused(`${method} ${path}, ${name}`, '403 forbidden', () =>
        page.ask(method, path, { headers, ...(json && { json }) }),
      );
  await assertLive();
});

databaseTest('requests from pages of this origin and of CORS_ORIGINS are accepted', async (t, sql) => {
  const { page, service } = await victim(t, sql, { corsOrigins: [ORIGIN] });
  for (const headers of [
    { origin: service.url, 'sec-fetch-site': 'same-origin' },
    { origin: ORIGIN, 'sec-fetch-site': 'same-site' },
    { origin: ORIGIN },
    { 'sec-fetch-site': 'same-origin' },
  ])
    t.equal((await page.post('/auth/refresh', undefined, headers)).status, 200, JSON.stringify(headers));
});

databaseTest('with PUBLIC_URL the Host header of a request makes no other origin allowed', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { http: { sessionCookies: true, publicUrl: SERVICE } });
  await registerAndLogIn(service);
  const logIn = (origin: string) =>
    service.post(
      '/auth/login',
      { username: 'ann', password: PASSWORD },
      { origin, 'x-session-transport': 'cookie' },
    );
  t.equal((await logIn(service.url)).status, 403, 'the origin of the Host header');
  t.equal((await logIn(SERVICE)).status, 200);
});

databaseTest(
  'cookies without the header X-Session-Transport, which no form of another site can send, change nothing',
  async (t, sql) => {
    const { service, sent, family, assertLive, assertRefused } = await victim(t, sql);
    const cookie = Object.entries(sent)
      .map(([name, value]) => `${name}=${value}`)
      .join('; ');
    const bare = async (path: string): Promise<Answer> => {
      const { status, headers, body } = await service.post(path, undefined, { cookie });
      return { status, headers, text: JSON.stringify(body) };
    };
    await assertRefused('a refresh', '400 malformed_token', () => bare('/auth/refresh'));
    await assertRefused('a logout', '401 unauthenticated', () => bare('/auth/logout?scope=all'));
    for (const { method, path, json } of await cookieRequests(service, family)) {
      if (path === '/auth/verify') continue; // also reads the cookie without the header, and changes nothing
      const ask = () => browser(service.url, { cookie }).ask(method, path, { ...(json && { json }) });
      await assertRefused(`${method} ${path}`, '401 unauthenticated', ask);
    }
    await assertLive();
  },
);

databaseTest(
  'a cookie that a request has twice is refused and removed, and the next login works',
  async (t, sql) => {
    for (const [name, path] of [
      [REFRESH, '/auth'],
      [REFRESH, '/auth/refresh'],
      [ACCESS, '/auth/'],
    ] as const) {
      const { page, sent, assertRefused } = await victim(t, sql, {});
      await page.setCookie(`${name}=${sent[name]}; Path=${path}`, '/auth/refresh');
      const answer = await assertRefused(`${name} at ${path}`, '401 unauthenticated', () =>
        page.post('/auth/refresh'),
      );
      t.match(cookiesOf(answer), { [ACCESS]: { value: '' }, [REFRESH]: { value: '' } });
      t.same(await page.cookies('/auth/refresh'), {}, 'all cookies were removed');
      t.same(await revokedFamilies(sql), [], 'no session has ended');
      t.equal((await page.logIn()).status, 200);
      t.equal((await page.post('/auth/refresh')).status, 200);
      await sql`truncate users, token_families cascade`;
    }
  },
);

databaseTest(
  'a login succeeds despite planted cookies, and removes those at its path and at the paths above it',
  async (t, sql) => {
    const { page } = await victim(t, sql);
    for (const path of ['/', '/auth', '/auth/', '/auth/login'])
      await page.setCookie(`${REFRESH}=a.b.c; Path=${path}`, '/auth/login');
    t.equal((await page.logIn()).status, 200);
    t.equal((await page.post('/auth/refresh')).status, 200);
  },
);

databaseTest('a cookie that this service cannot have set is refused and removed', async (t, sql) => {
  for (const value of ['x', '', 'a.b', '"a.b.c"', 'a.b.c.d', 'a.b.%00', 'x'.repeat(5_000)]) {
    const { page, assertRefused } = await victim(t, sql);
    await page.setCookie(`${REFRESH}=${value}; Path=/`);
    const name = value.slice(0, 10);
    const answer = await assertRefused(name, '401 unauthenticated', () => page.post('/auth/refresh'));
    t.match(cookiesOf(answer), { [ACCESS]: { value: '' }, [REFRESH]: { value: '' } }, name);
    t.equal((await page.logIn()).status, 200, name);
    await sql`truncate users, token_families cascade`;
  }
});

databaseTest('a token in the wrong cookie is refused and removed', async (t, sql) => {
  const { page, sent, assertRefused } = await victim(t, sql);
  await page.setCookie(`${REFRESH}=${sent[ACCESS]}; Path=/`);
  const answer = await assertRefused('the access token', '401 invalid_token', () =>
    page.post('/auth/refresh'),
  );
  t.match(cookiesOf(answer), { [ACCESS]: { value: '' }, [REFRESH]: { value: '' } });
});

databaseTest('a request with tokens in two places is refused', async (t, sql) => {
  const { page, sent, assertLive, assertRefused } = await victim(t, sql);
  const { [ACCESS]: accessToken = '', [REFRESH]: refreshToken = '' } = sent;
  const wanted = '400 invalid_request';
  await assertRefused('the body too', wanted, () =>
    page.post('/auth/refresh', { refreshToken, accessToken }),
  );
  await assertRefused('the query too', wanted, () => page.post(`/auth/refresh?refreshToken=${refreshToken}`));
  await assertRefused('a step-up', wanted, () =>
    page.post('/auth/step-up', { refreshToken, accessToken, password: PASSWORD }),
  );
  await assertRefused('a logout', wanted, () => page.post('/auth/logout', { refreshToken }));
  const authorization = `Bearer ${accessToken}`;
  await assertRefused('Authorization too', wanted, () => page.get('/auth/me', { authorization }));
  await assertRefused('another transport', wanted, () =>
    page.get('/auth/me', { 'x-session-transport': 'Cookie' }),
  );
  await assertRefused('two transports', wanted, () =>
    page.get('/auth/me', { 'x-session-transport': 'cookie, cookie' }),
  );
  await assertLive();
});

databaseTest(
  'a DPoP proof together with cookies is refused, and so is a bound token in a cookie',
  async (t, sql) => {
    const { service, page, assertRefused } = await victim(t, sql);
    const key = proofKey();
    const dpop = proofOf(key, 'POST', `${service.url}/auth/login`, service.time.now);
    const credentials = { username: 'ann', password: PASSWORD };
    await assertRefused('a login', '400 invalid_request', () =>
      page.post('/auth/login', credentials, { dpop }),
    );
    await assertRefused('a login by a backend for its client’s key', '400 invalid_request', () =>
      page.post(`/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11&dpopJkt=${key.jkt}`),
    );
    const bound = await service.post('/auth/login', credentials, { dpop });
    t.equal(bound.body.tokenType, 'DPoP');
    await page.setCookie(`${ACCESS}=${bound.body.access}; Path=/`);
    await page.setCookie(`${REFRESH}=${bound.body.refresh}; Path=/`);
    t.equal(resultOf(await page.get('/auth/me')), '401 unauthenticated');
    t.equal(resultOf(await page.post('/auth/refresh')), '401 invalid_dpop_proof');
  },
);

databaseTest('a replayed refresh cookie ends its session, and the cookies are removed', async (t, sql) => {
  const { page, sent, family, service } = await victim(t, sql);
  const thief = cookieBrowser(service.url);
  for (const [name, value] of Object.entries(sent)) await thief.setCookie(`${name}=${value}; Path=/`);
  t.equal((await thief.post('/auth/refresh')).status, 200);
  const refused = await page.post('/auth/refresh');
  t.equal(resultOf(refused), '401 token_reused');
  t.match(cookiesOf(refused), { [ACCESS]: { value: '' }, [REFRESH]: { value: '' } });
  t.same(await revokedFamilies(sql), [family]);
});

databaseTest('a rotated refresh token in a cookie cannot end other sessions', async (t, sql) => {
  const { service, page, sent, family, assertLive, assertRefused } = await victim(t, sql);
  const other = await service.post('/auth/login', { username: 'ann', password: PASSWORD });
  t.equal((await page.post('/auth/refresh')).status, 200);
  for (const scope of ['all', 'others']) {
    const thief = cookieBrowser(service.url);
    await thief.setCookie(`${REFRESH}=${sent[REFRESH]}; Path=/`);
    await assertRefused(scope, '401 unauthenticated', () => thief.post(`/auth/logout?scope=${scope}`));
    await thief.setCookie(`${ACCESS}=${sent[REFRESH]}; Path=/`);
    await assertRefused(`${scope}, as access token`, '401 unauthenticated', () =>
      thief.post(`/auth/logout?scope=${scope}`),
    );
  }
  await assertLive();
  const authorization = `Bearer ${other.body.access}`;
  t.equal((await service.send('/auth/me', { headers: { authorization } })).status, 200);
  t.not(claimsOf(String(other.body.access)).sid, family);
});

databaseTest('front doors and pages set and read no cookies of SESSION_COOKIES', async (t, sql) => {
  const { page, sent } = await victim(t, sql);
  for (const [name, value] of Object.entries(sent)) await page.setCookie(`${name}=${value}; Path=/`);
  const account = await page.get('/account');
  t.match(account.text, /action="\/account\/sign-in"/, 'not signed in');
  t.same(cookiesOf(account), {});
  const opened = await page.post('/api/v1/auth/login', { guid: '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11' });
  t.equal(opened.status, 200);
  t.same(Object.keys(cookiesOf(opened)), ['session_refresh']);
});
