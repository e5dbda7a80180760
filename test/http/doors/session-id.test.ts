import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { type Answer, type Browser, browser, cookiesOf } from '../../support/browser.ts';
import { claimsOf } from '../../support/forge.ts';
import { requirePostgres, testDatabase } from '../../support/postgres.ts';
import { dataDir } from '../../support/service-in-process.ts';
import { startWithoutMail } from '../../support/task-api.ts';

const KEY = 'an-operator-key-of-more-than-32-bytes';
const BACKEND = 'a-backend-key-of-more-than-32-bytes';
const SERVICE_API_KEYS = `operator:admin:${KEY},backend:login:${BACKEND}`;
const LOGIN = '/api/v1/auth/login';
const REFRESH = '/api/v1/auth/refresh';
const LIST = '/api/v1/auth/sessions';

t.test('the door works on the embedded database', async (t) => {
  await checkContract(t, await startWithoutMail(t, { DATA_DIR: await dataDir(t), SERVICE_API_KEYS }));
});

t.test('the door works on PostgreSQL', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATA_DIR = await dataDir(t);
  const DATABASE_URL = await testDatabase(t);
  await checkContract(t, await startWithoutMail(t, { DATA_DIR, DATABASE_URL, SERVICE_API_KEYS }));
});

t.test('cookies are Secure if PUBLIC_URL is https', async (t) => {
  const PUBLIC_URL = 'https://auth.example.com';
  const url = await startWithoutMail(t, {
    DATA_DIR: await dataDir(t),
    PUBLIC_URL,
    LOGIN_BY_USER_ID: 'open',
  });
  const opened = await browser(url).ask('POST', LOGIN, { json: { guid: randomUUID() } });
  t.ok(cookiesOf(opened).session_refresh?.attributes.includes('Secure'));
});

async function checkContract(t: Test, url: string): Promise<void> {
  await t.test('login and refresh work with the cookie', (t) => checkCookie(t, browser(url)));
  await t.test('login and refresh work with the body', (t) => checkBody(t, browser(url), url));
  await t.test('a session id alone is refused', (t) => checkMissingToken(t, url));
  await t.test('operators list the sessions', (t) => checkList(t, browser(url)));
  await t.test('only a backend with a service key logs users in', (t) => checkLoginKey(t, browser(url)));
  for (const path of ['/swagger/index.html', '/api/auth/swagger/index.html']) {
    const { status, headers } = await browser(url).ask('GET', path);
    t.same([status, headers.get('location')], [302, '/docs'], path);
  }
  t.match((await browser(url).ask('GET', '/docs')).text, /swagger/i);
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

function tokensOf(t: Test, answer: Answer): Tokens {
  t.equal(answer.status, 200, answer.text);
  t.equal(answer.headers.get('cache-control'), 'no-store');
  const tokens = JSON.parse(answer.text);
  t.same(Object.keys(tokens), ['access_token', 'refresh_token']);
  t.same(cookiesOf(answer), {
    session_refresh: {
      value: tokens.refresh_token,
      attributes: ['HttpOnly', 'Path=/api/v1/auth', 'SameSite=Strict'],
    },
  });
  return tokens;
}

function assertProblem(t: Test, { status, headers, text }: Answer, expected: number, code: string): void {
  t.match({ status, ...JSON.parse(text) }, { status: expected, code });
  t.equal(headers.get('content-type'), 'application/problem+json');
}

const decodeBase64 = (base64: string) => Buffer.from(base64, 'base64').toString();

async function checkCookie(t: Test, { ask, cookies }: Browser): Promise<void> {
  const guid = randomUUID();
  const first = tokensOf(t, await ask('POST', LOGIN, { json: { guid } }));
  const claims = claimsOf(first.access_token);
  const session_id = String(claims.session_id);
  t.match(claims, { guid, session_id, sid: session_id, sub: guid, userId: guid });
  t.notOk('at_hash' in claimsOf(decodeBase64(first.refresh_token)), 'accepted without the access token');
  t.same(await cookies('/auth/refresh'), {}, 'the cookie is sent to no other path');

  const second = tokensOf(t, await ask('POST', REFRESH, { json: { session_id } }));
  t.not(second.refresh_token, first.refresh_token);
  t.match(claimsOf(second.access_token), { guid, session_id }, 'in every access token of the session');
  const third = tokensOf(t, await ask('POST', REFRESH, { json: { session_id: session_id.toUpperCase() } }));

  const replayed = await ask('POST', REFRESH, { json: { session_id, refresh_token: first.refresh_token } });
  assertProblem(t, replayed, 401, 'token_reused');
  const dead = await ask('POST', REFRESH, { json: { session_id, refresh_token: third.refresh_token } });
  assertProblem(t, dead, 401, 'session_revoked');
}

async function checkBody(t: Test, opener: Browser, url: string): Promise<void> {
  const { access_token, refresh_token } = tokensOf(
    t,
    await opener.ask('POST', LOGIN, { json: { guid: randomUUID().toUpperCase() } }),
  );
  const { session_id } = claimsOf(access_token);
  const request = { json: { session_id, refresh_token }, headers: { 'idempotency-key': 'one' } };
  const next = tokensOf(t, await browser(url).ask('POST', REFRESH, request));
  t.same(tokensOf(t, await browser(url).ask('POST', REFRESH, request)), next, 'a retry gets the same answer');
  const json = { session_id, refresh_token: next.refresh_token };
  tokensOf(t, await opener.ask('POST', REFRESH, { json }));
}

async function checkMissingToken(t: Test, url: string): Promise<void> {
  const owner = browser(url);
  const { access_token } = tokensOf(t, await owner.ask('POST', LOGIN, { json: { guid: randomUUID() } }));
  const json = { session_id: claimsOf(access_token).session_id };
  assertProblem(t, await browser(url).ask('POST', REFRESH, { json }), 401, 'unauthenticated');
  tokensOf(t, await owner.ask('POST', REFRESH, { json }));
}

async function checkList(t: Test, { ask }: Browser): Promise<void> {
  const [older, newer] = [randomUUID(), randomUUID()];
  for (const guid of [older, newer]) await ask('POST', LOGIN, { json: { guid } });
  const answer = await ask('GET', LIST, { headers: { 'x-api-key': KEY } });
  t.equal(answer.status, 200);
  const [last, before] = JSON.parse(answer.text);
  t.same([last.guid, before.guid], [newer, older], 'of all users, newest first');
  const members = ['id', 'guid', 'hashed_refresh_token', 'created_time', 'updated_time'];
  t.same(Object.keys(last), members);
  t.equal(new Date(last.created_time).toISOString(), last.created_time);
  t.equal(last.updated_time, last.created_time);
  assertProblem(t, await ask('GET', LIST), 401, 'unauthenticated');
  assertProblem(t, await ask('GET', LIST, { headers: { 'x-api-key': BACKEND } }), 403, 'forbidden');
}

async function checkLoginKey(t: Test, { ask }: Browser): Promise<void> {
  const logInWith = (headers: Record<string, string>) =>
    ask('POST', LOGIN, { json: { guid: randomUUID() }, headers });
  assertProblem(t, await logInWith({ 'x-forwarded-for': '203.0.113.7' }), 401, 'unauthenticated');
  assertProblem(t, await logInWith({ 'x-api-key': KEY }), 403, 'forbidden');
  const { access_token } = tokensOf(t, await logInWith({ 'x-api-key': BACKEND, via: '1.1 proxy' }));
  t.equal(claimsOf(access_token).client_id, 'backend');
}
