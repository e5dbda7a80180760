import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { type Answer, type Browser, browser, cookiesOf } from '../../support/browser.ts';
import { claimsOf } from '../../support/forge.ts';
import { requirePostgres, testDatabase } from '../../support/postgres.ts';
import { dataDir } from '../../support/service-in-process.ts';
import { startWithoutMail } from '../../support/task-api.ts';

const KEY = 'a-backend-key-of-more-than-32-bytes';
const settings = { TRUST_PROXY: '127.0.0.1', SERVICE_API_KEYS: `backend:login:${KEY}` };
const withKey = { headers: { 'x-api-key': KEY } };

t.test('the door works on the embedded database', async (t) => {
  await checkContract(t, await startWithoutMail(t, { DATA_DIR: await dataDir(t), ...settings }));
});

t.test('the door works on PostgreSQL behind TLS', async (t) => {
  if (!(await requirePostgres(t))) return;
  const DATA_DIR = await dataDir(t);
  const DATABASE_URL = await testDatabase(t);
  const url = await startWithoutMail(t, {
    DATA_DIR,
    ...settings,
    DATABASE_URL,
    PUBLIC_URL: 'https://auth.example.com',
  });
  await checkContract(t, url, ['Secure']);
});

/** Each request of the contract. */
async function checkContract(t: Test, url: string, more: string[] = []): Promise<void> {
  const attributes = ['HttpOnly', 'Path=/', 'SameSite=Strict', ...more].sort();
  await t.test('login and refresh set both cookies', (t) => checkPairs(t, browser(url), attributes));
  await t.test('a missing cookie is refused with its text', (t) => checkMissingCookies(t, browser(url)));
  await t.test('invalid cookies are refused with their texts', (t) => checkInvalidCookies(t, url));
  await t.test('a refresh from another address is refused', (t) => checkAnotherAddress(t, browser(url)));
  await t.test('other routes are not affected', (t) => checkOtherRoutes(t, browser(url)));
}

function assertText(t: Test, { status, headers, text }: Answer, expected: number, words: string): void {
  t.same([status, text], [expected, words]);
  t.match(headers.get('content-type'), /^text\/plain/);
  t.equal(headers.has('www-authenticate'), expected === 401, 'every 401 is a challenge (RFC 9110)');
  t.same(headers.getSetCookie(), []);
  t.equal(headers.get('cache-control'), 'no-store');
}

/** The tokens in the cookies of an answer. Asserts that the answer has no body. */
function pairOf(t: Test, answer: Answer) {
  t.same([answer.status, answer.text, answer.headers.get('content-length')], [200, '', '0']);
  t.equal(answer.headers.get('cache-control'), 'no-store');
  const { access_token, refresh_token, ...none } = cookiesOf(answer);
  t.same(none, {});
  return { access: access_token?.value ?? '', refresh: refresh_token?.value ?? '' };
}

async function checkPairs(t: Test, { ask }: Browser, attributes: string[]): Promise<void> {
  const guid = randomUUID();
  const opened = await ask('GET', `/${guid.toUpperCase()}`, withKey);
  for (const name of ['access_token', 'refresh_token']) {
    t.same(cookiesOf(opened)[name]?.attributes, attributes, name);
  }
  const first = pairOf(t, opened);
  t.match(claimsOf(first.access), { userId: guid, client_id: 'backend' });
  t.notOk('guid' in claimsOf(first.access));
  t.ok('at_hash' in claimsOf(first.refresh), 'accepted only together with its access token');
  const second = pairOf(t, await ask('GET', '/refresh'));
  t.equal(claimsOf(second.refresh).tokenFamily, claimsOf(first.refresh).tokenFamily);
  pairOf(t, await ask('GET', '/refresh'));

  assertText(t, await ask('GET', '/refresh', { headers: cookie(first) }), 401, 'Token used before');
  assertText(t, await ask('GET', '/refresh'), 401, 'Not valid token');
}

const cookie = ({ access = '', refresh = '' }) => ({
  cookie: `access_token=${access}; refresh_token=${refresh}`,
});

async function checkMissingCookies(t: Test, { ask }: Browser): Promise<void> {
  const { access, refresh } = pairOf(t, await ask('GET', `/${randomUUID()}`, withKey));
  const without: Record<string, string> = {
    '': 'Access token is missing',
    [`refresh_token=${refresh}`]: 'Access token is missing',
    [`access_token=; refresh_token=${refresh}`]: 'Access token is missing',
    [`access_token=${access}`]: 'Refresh token is missing',
    [`access_token=${access}; refresh_token=`]: 'Refresh token is missing',
  };
  for (const [sent, words] of Object.entries(without)) {
    assertText(t, await ask('GET', '/refresh', { headers: { cookie: sent } }), 401, words);
  }
  pairOf(t, await ask('GET', '/refresh'));
}

async function checkInvalidCookies(t: Test, url: string): Promise<void> {
  const { ask } = browser(url);
  const open = async () => pairOf(t, await browser(url).ask('GET', `/${randomUUID()}`, withKey));
  const [one, other] = [await open(), await open()];
  const altered = `${one.refresh.slice(0, -10)}AAAAAAAAAA`;
  const cases: [Parameters<typeof cookie>[0], number, string][] = [
    [{ ...one, refresh: 'none' }, 400, 'Wrong data structure'],
    [{ ...one, access: 'none' }, 400, 'Wrong data structure'],
    [{ ...one, refresh: altered }, 401, 'Not valid token'],
    [{ access: one.refresh, refresh: one.access }, 401, 'Not valid token'],
    [{ ...one, access: other.access }, 401, 'Not valid token pair'],
  ];
  for (const [pair, status, words] of cases) {
    assertText(t, await ask('GET', '/refresh', { headers: cookie(pair) }), status, words);
  }
  pairOf(t, await ask('GET', '/refresh', { headers: cookie(one) }));
}

async function checkAnotherAddress(t: Test, { ask }: Browser): Promise<void> {
  pairOf(t, await ask('GET', `/${randomUUID()}`, withKey));
  const moved = await ask('GET', '/refresh', { headers: { 'x-forwarded-for': '203.0.113.7' } });
  assertText(t, moved, 401, "You're location is blocked");
  pairOf(t, await ask('GET', '/refresh'));
}

async function checkOtherRoutes(t: Test, { ask }: Browser): Promise<void> {
  assertText(t, await ask('GET', `/${randomUUID()}`, { headers: { via: '1.1 p' } }), 401, 'Not valid token');
  t.equal((await ask('GET', '/docs')).status, 200);
  t.equal((await ask('GET', '/health/live')).status, 200);
  t.equal((await ask('GET', '/', withKey)).status, 200);
  for (const path of ['/nowhere', '/123', `/${randomUUID()}x`, `/x${randomUUID()}`, `/${randomUUID()}/`]) {
    const { status, text } = await ask('GET', path, withKey);
    t.match({ status, ...JSON.parse(text) }, { status: 404, code: 'not_found' }, path);
  }
  for (const method of ['HEAD', 'POST', 'DELETE']) {
    for (const path of [`/${randomUUID()}`, '/refresh']) {
      const { status, headers } = await ask(method, path, withKey);
      t.same([status, headers.getSetCookie()], [405, []], `${method} ${path}`);
    }
  }
}
