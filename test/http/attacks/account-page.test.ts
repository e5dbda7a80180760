import { randomUUID } from 'node:crypto';
import t from 'tap';
import { accountPages, COOKIE } from '../../support/account-page.ts';
import { PASSWORD } from '../../support/passwords.ts';
import { rawRequest, sendRaw } from '../../support/raw-http.ts';

const SIGN_IN = 'Sign in to your account';

t.test('a form of another site, of a sibling domain or of an opaque origin is refused', async (t) => {
  const { url, signIn, submit, show, sessionIds, visit } = await accountPages(t, {
    emailVerification: 'optional',
  });
  const cookie = await signIn();
  const foreign = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `${url}.evil.example` },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
  ];
  const forms = {
    '/account/sign-in': { username: 'ann', password: PASSWORD },
    '/account/sign-out': {},
    '/account/sessions/end': { id: (await sessionIds())[0] ?? '' },
    '/account/sessions/end-all': { scope: 'all' },
    '/account/password': { currentPassword: PASSWORD, newPassword: 'a green piano 44' },
    '/account/email': { email: 'eve@example.org' },
    '/account/email/verification': {},
  };
  for (const headers of foreign) {
    for (const [path, form] of Object.entries(forms)) {
      const answer = await submit(path, form, cookie, headers as Record<string, string>);
      t.equal(answer.status, 403, `${path} ${JSON.stringify(headers)}`);
      t.same(answer.headers.getSetCookie(), []);
    }
  }
  t.equal((await show('/account', cookie)).title, 'Your account', 'nothing has changed');
  for (const headers of [{ origin: url }, { origin: url, 'sec-fetch-site': 'same-origin' }])
    t.equal((await submit('/account/sign-in', forms['/account/sign-in'], undefined, headers)).status, 303);
  const { status } = await visit('/account/sessions/end-all?scope=all', { headers: { cookie } });
  t.equal(status, 405, 'no GET changes anything');
});

t.test('a page of the same host without TLS is refused', async (t) => {
  const { url } = await accountPages(t, { http: { publicUrl: 'https://auth.example.com' } });
  const body = String(new URLSearchParams({ username: 'ann', password: PASSWORD }));
  const signIn = (host: string, origin: string) => {
    const type = 'Content-Type: application/x-www-form-urlencoded';
    const head = [`Host: ${host}`, `Origin: ${origin}`, 'Connection: close', type];
    return sendRaw(
      url,
      rawRequest('POST /account/sign-in', [...head, `Content-Length: ${body.length}`], body),
    );
  };
  for (const origin of ['http://auth.example.com', 'capacitor://auth.example.com', 'ftp://auth.example.com'])
    t.equal((await signIn('auth.example.com', origin)).outcome, '403', origin);
  t.equal((await signIn('auth.example.com', 'https://auth.example.com')).outcome, '303');
  t.equal((await signIn('localhost:9000', 'http://localhost:9000')).outcome, '303', 'through a tunnel');
});

t.test('a stolen cookie opens no session after the sign-out', async (t) => {
  const { signIn, submit, show } = await accountPages(t);
  const cookie = await signIn();
  const answer = await submit('/account/sign-out', {}, cookie);
  t.match(answer.headers.getSetCookie().join(), /kinship_account=; Max-Age=0; Path=\/;/);
  t.equal((await show('/account', cookie)).title, SIGN_IN);
  const form = { currentPassword: PASSWORD, newPassword: 'a green piano 44' };
  t.equal((await submit('/account/password', form, cookie)).status, 303);
  t.equal((await submit('/account/sign-in', { username: 'ann', password: PASSWORD })).status, 303);
});

t.test('no user can end or see the session of another user', async (t) => {
  const { signIn, submit, show, post, sessionIds } = await accountPages(t);
  await post('/auth/register', { username: 'eve', email: 'eve@example.com', password: PASSWORD });
  const ann = await signIn();
  const [id = ''] = await sessionIds();
  const eve = await signIn({ username: 'eve' });
  t.equal((await submit('/account/sessions/end', { id }, eve)).status, 303);
  await submit('/account/sessions/end-all', { scope: 'all' }, eve);
  t.notMatch((await show('/account', eve)).html, id);
  t.equal((await show('/account', ann)).title, 'Your account');
  t.equal((await submit('/account/sessions/end', { id: randomUUID() }, ann)).status, 303);
});

t.test(
  'a sign-in never reuses the cookie value of its request, and ends the session of that cookie',
  async (t) => {
    const { signIn, show, sessionIds } = await accountPages(t);
    const planted = `${COOKIE}=${'a'.repeat(43)}`;
    const cookie = await signIn({}, {}, planted);
    t.not(cookie, planted);
    t.equal((await show('/account', planted)).title, SIGN_IN);
    const next = await signIn({}, {}, cookie);
    t.not(next, cookie);
    t.equal((await show('/account', cookie)).title, SIGN_IN);
    t.equal((await show('/account', next)).title, 'Your account');
    t.equal((await sessionIds()).length, 1);
  },
);

t.test('two cookies of the same name are refused, and both are removed', async (t) => {
  const { signIn, show, submit } = await accountPages(t);
  const cookie = await signIn();
  const planted = `${COOKIE}=${'b'.repeat(43)}`;
  for (const both of [`${planted}; ${cookie}`, `${cookie}; ${planted}`, `${cookie}; ${cookie}`]) {
    for (const answer of [await show('/account', both), await submit('/account/sign-out', {}, both)]) {
      t.equal(answer.status, 400);
      t.match(answer.html, 'There is more than one cookie');
      const cleared = answer.headers.getSetCookie();
      for (const path of ['/', '/account'])
        t.ok(
          cleared.some((line) => line.startsWith(`${COOKIE}=; Max-Age=0; Path=${path};`)),
          path,
        );
    }
  }
  t.equal((await show('/account', cookie)).title, 'Your account');
});

t.test('guessed or altered values, tokens and stored hashes open no session as the cookie', async (t) => {
  const { signIn, show, logInByApi, pageSecrets, links } = await accountPages(t);
  const cookie = await signIn();
  const secret = cookie.slice(COOKIE.length + 1);
  const guesses = [
    '',
    '*',
    'null',
    secret.slice(1),
    `${secret}A`,
    secret.toLowerCase(),
    `${secret.slice(0, 42)}%`,
    ...pageSecrets.hash(secret),
    links.hashSecret(secret),
    await logInByApi(),
    `' or 1=1 --`,
    'x'.repeat(4_000),
  ];
  for (const guess of guesses)
    t.equal((await show('/account', `${COOKIE}=${guess}`)).title, SIGN_IN, guess.slice(0, 60));
});

t.test('the value of the cookie is accepted on no other route', async (t) => {
  const { signIn, send, post } = await accountPages(t);
  const secret = (await signIn()).slice(COOKIE.length + 1);
  for (const headers of [
    { authorization: `Bearer ${secret}` },
    { cookie: `access_token=${secret}` },
    { cookie: `${COOKIE}=${secret}` },
  ] as Record<string, string>[]) {
    t.equal((await send('/auth/me', { headers })).status, 401);
    t.equal((await send('/auth/verify', { headers })).status, 401);
  }
  t.not((await post('/auth/refresh', { refreshToken: secret })).status, 200);
});

t.test('markup in user agents and in typed text is shown as text', async (t) => {
  const { signIn, show, submit, post } = await accountPages(t);
  const markup = '<img src=x onerror=alert(1)>"\'&';
  await post('/auth/login', { username: 'ann', password: PASSWORD }, { 'user-agent': markup });
  const cookie = await signIn();
  const pages = [
    await show('/account', cookie),
    await submit('/account/sign-in', { username: markup, password: markup }),
    await submit('/account/email', { email: `${markup}@example.org` }, cookie),
  ];
  for (const { html, headers } of pages) {
    t.notMatch(html, /<img|<script/);
    t.match(html, '&lt;img src=x onerror=alert(1)&gt;');
    t.match(
      headers.get('content-security-policy'),
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
  }
});

t.test('with ON_IP_CHANGE=block a cookie is refused from another network', async (t) => {
  const { signIn, visit, time } = await accountPages(t, {
    policy: { onAddressChange: 'block' },
    http: { trustProxy: ['127.0.0.1'] },
  });
  const home = { 'x-forwarded-for': '203.0.113.9' };
  const cookie = await signIn({}, home);
  const at = (address: string) => visit('/account', { headers: { cookie, 'x-forwarded-for': address } });
  t.equal((await at('203.0.113.9')).title, 'Your account');
  time.now += 20 * 60_000;
  t.equal((await at('198.51.100.66')).title, SIGN_IN);
  time.now += 10 * 60_000;
  t.equal((await at('203.0.113.9')).title, SIGN_IN, 'the thief has not kept the session alive');
});

t.test('neither a cookie nor a password is logged', async (t) => {
  const { signIn, submit, show, lines } = await accountPages(t);
  const cookie = await signIn();
  await show('/account', cookie);
  await submit(
    '/account/password',
    { currentPassword: 'wrong piano 1', newPassword: 'a green piano 44' },
    cookie,
  );
  const secret = cookie.slice(COOKIE.length + 1);
  for (const text of [secret, PASSWORD, 'wrong piano 1', 'a green piano 44'])
    t.notOk(
      lines.some((line) => line.includes(text)),
      text,
    );
});
