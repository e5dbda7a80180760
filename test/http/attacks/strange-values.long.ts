import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { nonceOf, softwareAuthenticator } from '../../support/authenticator.ts';
import { variantsWith } from '../../support/members.ts';
import type { OpenApi } from '../../support/openapi.ts';
import { PASSWORD } from '../../support/passwords.ts';
import { requirePostgres, testDatabase } from '../../support/postgres.ts';
import { startServiceInProcess } from '../../support/service-in-process.ts';
import { PASSKEY_ORIGIN } from '../../support/sessions.ts';

const ADMIN_KEY = 'a'.repeat(40);
const KEYS = `ops:admin:${ADMIN_KEY},rs:introspect+verify:${'b'.repeat(40)}`;

/** Text that PostgreSQL cannot store, and values that have the right form but no meaning. */
const VALUES = {
  NUL: '\u0000',
  'text around NUL': 'abc\u0000def',
  'an unpaired surrogate': 'abc\ud800',
  'a year before year 1': '0000-01-01T00:00:00Z',
  'a time before the first year in UTC': '0001-01-01T00:00:00+23:59',
  'a time behind the last year in UTC': '9999-12-31T23:59:59-23:59',
  'a leap second': '2016-12-31T23:59:60Z',
  'a cursor without an id': `0.${'-'.repeat(36)}`,
  'the largest integer': '9007199254740991',
};

/** Starts the whole service on PostgreSQL, with a service key of an operator. */
async function wholeService(t: Test) {
  const { url, lines } = await startServiceInProcess(t, {
    DATABASE_URL: await testDatabase(t),
    DATA_DIR: t.testdir(),
    SERVICE_API_KEYS: KEYS,
    LOGIN_BY_USER_ID: 'open',
    LOGIN_NETWORK_LIMIT: '10000/1h',
    LOGIN_ACCOUNT_LIMIT: '10000/1h',
    LOGIN_RATE_LIMIT: '100000/1m',
    LOGIN_RATE_NETWORK_LIMIT: '100000/1m',
    REGISTER_LIMIT: '10000/1h',
    RATE_LIMIT: '10000',
    EMAIL_VERIFICATION: 'off',
    ACCESS_TOKEN_ALG: 'ES256',
    WEBHOOKS_ALLOW_PRIVATE: '127.0.0.0/8',
    PASSKEY_ORIGINS: PASSKEY_ORIGIN,
    PASSKEY_RP_ID: 'localhost',
  });

  async function send(method: string, path: string, headers: Record<string, string>, body?: unknown) {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await fetch(new URL(path, url), {
      method,
      redirect: 'manual',
      headers: { ...type, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  }
  const post = async (path: string, body: unknown, headers = {}) =>
    JSON.parse((await send('POST', path, headers, body)).text) as Record<string, unknown>;
  const register = async (username: string) => {
    const account = { username, email: `${username}@example.com`, password: PASSWORD };
    return String((await post('/auth/register', account)).id);
  };
  return { url, lines, send, post, register };
}

t.test('no value of a query parameter or a member of a JSON body is answered with 5xx', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { send, post, register, lines } = await wholeService(t);
  const userId = await register('ann');
  const key = { 'x-api-key': ADMIN_KEY };
  const { id: webhook } = await post('/admin/webhooks', { url: 'http://127.0.0.1:8089/', types: ['*'] }, key);
  const document = JSON.parse((await send('GET', '/docs/json', {})).text) as OpenApi;
  const logIn = async () => String((await post(`/auth/login?userId=${userId}`, {})).access);
  let access = await logIn();
  let requests = 0;
  for (const [name, value] of Object.entries(VALUES)) {
    for (const { place, method, path, query, body } of variantsWith(document, value)) {
      const ids: Readonly<Record<string, unknown>> = {
        userId,
        id: path.startsWith('/admin/webhooks') ? webhook : userId,
      };
      const fillIn = (text: string) =>
        text.replace(/\{(\w+)\}/g, (_, member) => String(ids[member] ?? randomUUID()));
      const search = new URLSearchParams(
        Object.entries(query).map(([one, text]): [string, string] => [one, fillIn(text)]),
      );
      const isForOperators = path.startsWith('/admin/');
      const headers: Record<string, string> = isForOperators ? key : { authorization: `Bearer ${access}` };
      const { status } = await send(method, `${fillIn(path)}?${search}`, headers, body);
      requests += 1;
      if (status >= 500) t.fail(`${place}, ${name}: ${status}`);
      if (status < 300 && /logout|password/.test(path)) access = await logIn();
    }
  }
  t.ok(requests > 1_000, `${requests} requests`);
  const me = await send('GET', '/auth/me', { authorization: `Bearer ${await logIn()}` });
  // A route of operators may have renamed the account.
  t.match(JSON.parse(me.text), { userId, username: String }, 'the account existed until the end');
  t.same(
    lines.filter((line) => line.includes('request failed')),
    [],
  );
});

t.test('an audience of event tokens that is no valid text is refused', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { send } = await wholeService(t);
  for (const audience of ['\u0000', 'abc\u0000', '\ud800', ''])
    for (const format of ['set', 'logout-token']) {
      const endpoint = { url: 'http://127.0.0.1:8089/', types: ['sessions.revoked'], format, audience };
      const { status } = await send('POST', '/admin/webhooks', { 'x-api-key': ADMIN_KEY }, endpoint);
      t.equal(status, 400, `${format} ${JSON.stringify(audience)}`);
    }
});

t.test('a passkey is added, whatever transports its page reports', async (t) => {
  if (!(await requirePostgres(t))) return;
  const { url, post, register } = await wholeService(t);
  const form = (path: string, members: Record<string, string>, cookie = '') =>
    fetch(new URL(path, url), {
      method: 'POST',
      body: new URLSearchParams(members),
      headers: { cookie },
      redirect: 'manual',
    });
  const given = [['\u0000'], ['\ud800'], [null], 'internal', 5, { length: 3 }];
  for (const [index, transports] of given.entries()) {
    const username = `ann${index}`;
    const { access } = await post(`/auth/login?userId=${await register(username)}`, {});
    const signIn = await form('/account/sign-in', { username, password: PASSWORD });
    const cookie = signIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const authorization = `Bearer ${access}`;
    const begun = await post('/auth/factors/passkeys/options', { password: PASSWORD }, { authorization });
    const { challenge } = begun;
    const answer = softwareAuthenticator().create(nonceOf(begun));
    const credential = JSON.stringify({ ...answer, response: { ...answer.response, transports } });
    const label = 'Key';
    const added = await form(
      '/account/factors/passkeys',
      { challenge: String(challenge), credential, label },
      cookie,
    );
    t.equal(added.status, 303, JSON.stringify(transports));
    t.equal(added.headers.get('location'), '/account/factors', 'signed in, and added');
  }
});
