import t, { type Test } from 'tap';
import { softwareAuthenticator } from '../support/authenticator.ts';
import { type Answer, browser, cookiesOf } from '../support/browser.ts';
import {
  ACCESS,
  BY_COOKIE,
  bodyOf,
  type CookieRequest,
  cookieBrowser,
  cookieRequests,
  REFRESH,
  resultOf,
} from '../support/cookie-session.ts';
import { addAuthenticatorApp, bearer, registerAndLogIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpOverrides, startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { readOperations } from '../support/service-on-database.ts';
import { POLICY } from '../support/sessions.ts';

/** The lifetime of a refresh token in seconds. */
const LIFE = POLICY.refreshTokenAge / 1000;
const SHORT = POLICY.sessionShortAge / 1000;
const UNTIL_BROWSER_CLOSES = ['HttpOnly', 'Path=/', 'SameSite=Lax'];

async function startService(t: Test, http: HttpOverrides = {}) {
  const made = await startHttpService(t, { http: { sessionCookies: true, ...http } });
  const ann = await registerAndLogIn(made);
  return { ...made, ann, page: cookieBrowser(made.url) };
}

/** The attributes of both cookies of an answer. */
const attributesOf = (answer: Answer, names = [ACCESS, REFRESH]) =>
  names.map((name) => cookiesOf(answer)[name]?.attributes);

const lastingAttributes = (seconds: number) => ['HttpOnly', `Max-Age=${seconds}`, 'Path=/', 'SameSite=Lax'];
const GONE = { value: '' };

t.test(
  'login, refresh, step-up and logout keep the pair in cookies, and no token is in a body',
  async (t) => {
    const { page } = await startService(t);
    for (const [what, answer] of Object.entries({
      'a login': await page.logIn(),
      'a refresh': await page.post('/auth/refresh'),
      'a refresh with an empty body': await page.post('/auth/refresh', {}),
      'a step-up': await page.post('/auth/step-up', { password: PASSWORD }),
    })) {
      t.equal(answer.status, 200, what);
      t.same(bodyOf(answer), { expiresIn: 900 }, what);
      t.same(attributesOf(answer), [lastingAttributes(LIFE), lastingAttributes(LIFE)], what);
      t.match(bodyOf(await page.get('/auth/me')), { username: 'ann' }, what);
    }
    t.equal((await page.post('/auth/logout')).status, 204);
    t.same(await page.cookies('/auth/refresh'), {});
    t.equal(resultOf(await page.get('/auth/me')), '401 unauthenticated');
  },
);

t.test('with TLS the names have the prefix that no sibling domain can set', async (t) => {
  const { post } = await startService(t, { publicUrl: 'https://auth.example.com' });
  const { headers } = await post('/auth/login', { username: 'ann', password: PASSWORD }, BY_COOKIE);
  const answer = { status: 200, text: '', headers };
  const names = ['__Host-kinship_access', '__Host-kinship_refresh'];
  t.same(Object.keys(cookiesOf(answer)), names);
  const attributes = [...lastingAttributes(LIFE), 'Secure'];
  t.same(attributesOf(answer, names), [attributes, attributes]);
});

t.test('a page of a sibling domain cannot disturb a session by a cookie with a similar name', async (t) => {
  const { ann, url } = await startService(t, { publicUrl: 'https://auth.example.com' });
  const own = `__Host-kinship_access=${ann.access}`;
  for (const planted of ['\xa0__Host-kinship_access=x', '__Host-kinship_access', '__host-kinship_access=x'])
    for (const cookie of [`${planted}; ${own}`, `${own}; ${planted}`]) {
      const headers = ['Host: localhost', 'Connection: close', 'X-Session-Transport: cookie'];
      const { outcome } = await sendRaw(url, rawRequest('GET /auth/me', [...headers, `Cookie: ${cookie}`]));
      t.equal(outcome, '200', cookie.replace(ann.access, '…'));
    }
});

t.test('a session that is not to be remembered ends with the browser, after refreshes too', async (t) => {
  const { page } = await startService(t);
  t.same(attributesOf(await page.logIn({ remember: false })), [UNTIL_BROWSER_CLOSES, UNTIL_BROWSER_CLOSES]);
  t.same(attributesOf(await page.post('/auth/refresh')), [UNTIL_BROWSER_CLOSES, UNTIL_BROWSER_CLOSES]);
  t.same(attributesOf(await page.post('/auth/step-up', { password: PASSWORD })), [
    UNTIL_BROWSER_CLOSES,
    UNTIL_BROWSER_CLOSES,
  ]);
  t.same(attributesOf(await page.logIn()), [lastingAttributes(LIFE), lastingAttributes(LIFE)]);
});

t.test('a login with a second factor keeps `remember` of its first step', async (t) => {
  const { page, ann, ...rest } = await startService(t);
  const app = await addAuthenticatorApp(rest, ann);
  for (const [remember, attributes] of [
    [false, UNTIL_BROWSER_CLOSES],
    [true, lastingAttributes(LIFE)],
  ] as const) {
    const first = await page.logIn({ remember });
    t.equal(resultOf(first), '401 second_factor_required');
    t.same(cookiesOf(first), {});
    rest.time.now += 30_000;
    const { challenge } = bodyOf(first);
    const second = await page.post('/auth/login/second-factor', { challenge, code: app.code() });
    t.same(bodyOf(second), { expiresIn: 900 });
    t.same(attributesOf(second), [attributes, attributes]);
  }
});

t.test('a login by a passkey sets cookies', async (t) => {
  const { page, ann, post } = await startService(t);
  const key = softwareAuthenticator();
  const begun = (await post('/auth/factors/passkeys/options', undefined, bearer(ann))).body;
  const { challenge: creation } = begun.publicKey as { challenge: string };
  const credential = key.create(creation);
  await post('/auth/factors/passkeys', { challenge: begun.challenge, credential }, bearer(ann));
  const { challenge, publicKey } = bodyOf(await page.post('/auth/login/passkey/options'));
  const assertion = key.get((publicKey as { challenge: string }).challenge);
  const answer = await page.post('/auth/login/passkey', { challenge, assertion, remember: false });
  t.same(bodyOf(answer), { expiresIn: 900 });
  t.same(attributesOf(answer), [UNTIL_BROWSER_CLOSES, UNTIL_BROWSER_CLOSES]);
});

t.test('Max-Age is the remaining lifetime of the refresh token', async (t) => {
  const { post } = await startService(t);
  const path = `/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11&maxAge=${SHORT}`;
  const { headers } = await post(path, undefined, BY_COOKIE);
  t.same(attributesOf({ status: 200, text: '', headers }), [
    lastingAttributes(SHORT),
    lastingAttributes(SHORT),
  ]);
});

t.test('every route accepts the cookie like a bearer token', async (t) => {
  const { send } = await startService(t);
  const operations = await readOperations({ send });
  const own = operations.filter(
    ({ path, security }) => path.startsWith('/auth/') && security.includes('bearer'),
  );
  const count = (await cookieRequests({ send }, '')).length;
  t.ok(count > 10, `${count} routes`);
  t.equal(count, own.length, 'no route of this service reads the header only');
  for (let index = 0; index < count; index += 1) {
    // Some of the routes end the session, and one deletes the account.
    const byHeader = await startService(t);
    const { page, ...byCookie } = await startService(t);
    await page.logIn();
    const cookies = await page.cookies('/');
    const requestOf = async (one: typeof byCookie, access = '') =>
      (await cookieRequests(one, String(claimsOf(access).sid)))[index] as CookieRequest;

    const { method, path, json } = await requestOf(byCookie, cookies[ACCESS]);
    const route = `${method} ${path}`;
    const cookie = Object.entries(cookies).map(([name, value]) => `${name}=${value}`);
    const plain = await browser(byCookie.url).ask(method, path, { headers: { cookie: cookie.join('; ') } });
    t.equal(plain.status, path === '/auth/verify' ? 204 : 401, `${route} without the header`);

    const asked = await requestOf(byHeader, byHeader.ann.access);
    const wanted = await browser(byHeader.url, bearer(byHeader.ann)).ask(asked.method, asked.path, asked);
    const answer = await page.ask(method, path, { ...(json && { json }) });
    t.equal(resultOf(answer), resultOf(wanted), route);
    t.not(answer.status, 401, route);
  }
});

t.test(
  'the cookie is accepted in a navigation from another site, and in no other cross-site request',
  async (t) => {
    const { page, url } = await startService(t);
    await page.logIn();
    const { [ACCESS]: access } = await page.cookies('/');
    const common = ['Host: localhost', 'Connection: close', 'Sec-Fetch-Site: cross-site'];
    // `fetch` of Node.js writes Sec-Fetch-Mode itself.
    const verify = async (...headers: string[]) => {
      const lines = [...common, `Cookie: ${ACCESS}=${access}`, ...headers];
      return (await sendRaw(url, rawRequest('GET /auth/verify', lines))).text.split(' ')[1];
    };
    t.equal(await verify('Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'), '204');
    t.equal(await verify('Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'), '403');
    t.equal(await verify('Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty'), '403');
    t.equal(await verify(), '403');
  },
);

t.test('a logout of other sessions keeps the cookies, and every other logout removes them', async (t) => {
  const { page } = await startService(t);
  await page.logIn();
  const others = await page.post('/auth/logout?scope=others');
  t.equal(others.status, 204);
  t.same(cookiesOf(others), {});
  t.equal((await page.get('/auth/me')).status, 200);
  for (const scope of ['session', 'all']) {
    await page.logIn();
    const ended = await page.post(`/auth/logout?scope=${scope}`);
    t.equal(ended.status, 204);
    t.match(cookiesOf(ended), { [ACCESS]: GONE, [REFRESH]: GONE }, scope);
  }
});

t.test('a retry with the same Idempotency-Key gets the same cookies again', async (t) => {
  const { page, post } = await startService(t);
  await page.logIn();
  const before = await page.cookies('/');
  const key = { 'idempotency-key': 'once' };
  const cookie = `${ACCESS}=${before[ACCESS]}; ${REFRESH}=${before[REFRESH]}`;
  const lost = await post('/auth/refresh', undefined, { ...BY_COOKIE, ...key, cookie });
  t.equal(lost.status, 200);
  const again = await page.post('/auth/refresh', undefined, key);
  t.equal(cookiesOf(again)[REFRESH]?.value, cookiesOf({ ...lost, text: '' })[REFRESH]?.value);
  t.equal(claimsOf(cookiesOf(again)[REFRESH]?.value ?? '').generation, 1);
});

t.test('a session that has ended removes the cookies at the next refresh', async (t) => {
  const { page, post, ann } = await startService(t);
  await page.logIn();
  await post('/auth/logout?scope=all', undefined, bearer(ann));
  t.same(cookiesOf(await page.get('/auth/me')), {}, 'not at a refused access token');
  const refused = await page.post('/auth/refresh');
  t.equal(resultOf(refused), '401 session_revoked');
  t.match(cookiesOf(refused), { [ACCESS]: GONE, [REFRESH]: GONE });
  t.equal(resultOf(await page.post('/auth/refresh')), '401 unauthenticated');
});

t.test('an expired access token in the cookie is challenged like any other', async (t) => {
  const { page, time } = await startService(t);
  await page.logIn();
  time.now += 906_000;
  const refused = await page.get('/auth/me');
  t.equal(resultOf(refused), '401 unauthenticated');
  t.equal(refused.headers.get('www-authenticate'), 'Bearer realm="kinship", error="invalid_token"');
  t.equal((await page.post('/auth/refresh')).status, 200);
  t.equal((await page.get('/auth/me')).status, 200);
});

t.test(
  'without SESSION_COOKIES a login with X-Session-Transport is refused, and other logins set no cookie',
  async (t) => {
    const { page, post } = await startService(t, { sessionCookies: false });
    const refused = await page.logIn();
    t.equal(resultOf(refused), '400 invalid_request');
    t.same(cookiesOf(refused), {});
    const { body, headers } = await post('/auth/login', { username: 'ann', password: PASSWORD });
    t.same(Object.keys(body).sort(), ['access', 'expiresIn', 'refresh']);
    t.same(headers.getSetCookie(), []);
  },
);

t.test(
  'CORS allows credentials only for CORS_ORIGINS, on routes that read the cookies, with X-Session-Transport',
  async (t) => {
    const origin = 'https://app.example.com';
    const { send } = await startService(t, { corsOrigins: [origin], publicUrl: 'https://auth.example.com' });
    const readAllowCredentials = async (path: string, headers: Record<string, string>, method = 'GET') =>
      (await send(path, { method, headers: { origin, ...headers } })).headers.get(
        'access-control-allow-credentials',
      );
    const preflight = (announced: string) => ({
      'access-control-request-method': 'POST',
      'access-control-request-headers': announced,
    });
    t.equal(
      await readAllowCredentials('/auth/refresh', preflight('content-type, x-session-transport'), 'OPTIONS'),
      'true',
    );
    t.equal(await readAllowCredentials('/auth/me', { 'sec-fetch-site': 'same-site', ...BY_COOKIE }), 'true');
    t.equal(await readAllowCredentials('/auth/refresh', preflight('content-type'), 'OPTIONS'), null);
    t.equal(await readAllowCredentials('/auth/me', {}), null);
    t.equal(
      await readAllowCredentials('/auth/verify', {}),
      'true',
      'a proxy returns the refusal to the page',
    );
    t.equal(await readAllowCredentials('/auth/verify', { origin: 'https://evil.example' }), null);
    t.equal(await readAllowCredentials('/health/live', BY_COOKIE), null);
    t.equal(await readAllowCredentials('/auth/me', { ...BY_COOKIE, origin: 'https://evil.example' }), null);
  },
);
