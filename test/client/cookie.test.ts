import t, { type Test } from 'tap';
import { CookieJar } from 'tough-cookie';
import { type CookieClientOptions, createClient } from '../../client/src/cookie.ts';
import { registerAndLogIn } from '../support/factors.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';
import { countAnswers } from './support/sessions.ts';

/** A client of ann with a cookie jar like a browser's, and the requests that it has sent. */
async function startClientOfAnn(t: Test, options: Partial<CookieClientOptions> = {}) {
  const service = await startHttpService(t, { http: { sessionCookies: true } });
  await registerAndLogIn(service);
  const jar = new CookieJar();
  const sent: string[] = [];
  const withJar: typeof fetch = async (input, init) => {
    const request = input instanceof Request ? input : new Request(input, init);
    const { method, url, headers, credentials } = request;
    sent.push(
      `${method} ${new URL(url).pathname} ${credentials} ${[...headers.keys()].includes('authorization')}`,
    );
    if (credentials === 'include') {
      headers.set('cookie', await jar.getCookieString(url));
      headers.set('sec-fetch-site', 'same-origin');
    }
    const answer = await fetch(request);
    for (const cookie of answer.headers.getSetCookie()) await jar.setCookie(cookie, url);
    return answer;
  };
  const signedOut: (string | null)[] = [];
  const onSignedOut = (code: string | null) => void signedOut.push(code);
  const client = createClient({ url: service.url, fetch: withJar, onSignedOut, ...options });
  t.teardown(client.close);
  const statusOfMe = async () => (await client.fetch(`${service.url}/auth/me`)).status;
  return { service, client, jar, sent, signedOut, statusOfMe };
}

t.test('login, requests, refresh and step-up use cookies, and no Authorization header', async (t) => {
  const { service, client, sent, statusOfMe } = await startClientOfAnn(t, {
    onStepUp: async () => ({ password: PASSWORD }),
  });
  t.equal(await statusOfMe(), 401);
  await client.logIn('ann', PASSWORD);
  t.equal(await statusOfMe(), 200);
  service.time.now += 16 * 60_000;
  t.equal(await statusOfMe(), 200);
  t.equal((await client.fetch(`${service.url}/auth/me`, { method: 'DELETE' })).status, 204);
  t.same(sent, [
    'GET /auth/me same-origin false',
    'POST /auth/login include false',
    'GET /auth/me include false',
    'GET /auth/me include false',
    'POST /auth/refresh include false',
    'GET /auth/me include false',
    'DELETE /auth/me include false',
    'POST /auth/step-up include false',
    'DELETE /auth/me include false',
  ]);
});

t.test('requests to another origin have no cookies', async (t) => {
  const { client, sent } = await startClientOfAnn(t);
  const other = await startHttpService(t);
  await client.logIn('ann', PASSWORD);
  await client.fetch(`${other.url}/auth/me`);
  t.equal(sent.at(-1), 'GET /auth/me same-origin false');
});

t.test('the login sends the option "remember"', async (t) => {
  const { client, jar, service } = await startClientOfAnn(t, { remember: false });
  await client.logIn('ann', PASSWORD);
  const cookies = await jar.getCookies(service.url);
  t.same(
    cookies.map(({ maxAge }) => maxAge),
    [null, null],
    'the cookies end with the browser',
  );
});

t.test('the client continues a session that another request opened', async (t) => {
  const { client, jar, service, statusOfMe } = await startClientOfAnn(t);
  const login = await fetch(`${service.url}/auth/login`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-session-transport': 'cookie',
      'sec-fetch-site': 'same-origin',
    },
    body: JSON.stringify({ username: 'ann', password: PASSWORD }),
  });
  for (const cookie of login.headers.getSetCookie()) await jar.setCookie(cookie, service.url);
  await client.adopt(Object((await login.json()) as object).expiresIn);
  t.equal(await statusOfMe(), 200);
  t.equal(countAnswers(service, '/auth/refresh'), 0);
  await client.logOut();
  t.equal(await statusOfMe(), 401);
  await t.resolves(client.logOut(), 'a second logout also succeeds');
});

t.test('an answer 200 of a captive portal does not count as a session', async (t) => {
  const portal: typeof fetch = async () => new Response('<h1>Welcome to our café</h1>');
  const { client, signedOut } = await startClientOfAnn(t, { fetch: portal });
  await t.rejects(client.logIn('ann', PASSWORD), { code: 'unexpected_answer', recovery: 'retry' });
  t.same(signedOut, []);
  await t.rejects(client.logOut(), { code: 'unexpected_answer' }, 'a session does not end either');
});
