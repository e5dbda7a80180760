import t from 'tap';
import { accountPages, COOKIE } from '../support/account-page.ts';
import { someFamily } from '../support/families.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

t.test('a sign-in sets a cookie of its own, and no token leaves the service', async (t) => {
  const { submit, show, sessionIds } = await accountPages(t);
  t.equal((await show('/account')).title, 'Sign in to your account');
  const answer = await submit('/account/sign-in', { username: 'ann', password: PASSWORD });
  t.equal(answer.status, 303);
  t.equal(answer.headers.get('location'), '/account');
  const [set = '', ...more] = answer.headers.getSetCookie();
  t.same(more, []);
  t.match(set, /^kinship_account=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  t.equal(answer.html, '');
  const page = await show('/account', set.split(';')[0]);
  t.equal(page.title, 'Your account');
  t.match(page.html, /You are signed in as <strong><bdi>ann<\/bdi><\/strong>/);
  t.equal((await sessionIds()).length, 1, 'the page is among the sessions of the user');
  t.match(page.html, '<p class="mark">This page</p>');
  t.equal(page.headers.get('cache-control'), 'no-store');
});

t.test(
  'an unknown path under /account is a page for a browser, and a problem for other clients',
  async (t) => {
    const { send, url } = await startHttpService(t);
    const open = async (path: string, init: RequestInit = {}) => {
      const answer = await fetch(new URL(path, url), { ...init, headers: { accept: 'text/html,*/*;q=0.8' } });
      return { status: answer.status, headers: answer.headers, html: await answer.text() };
    };
    for (const path of ['/account/bogus', '/account/a/b?c=d']) {
      const { status, headers, html } = await open(path);
      t.equal(status, 404, path);
      t.equal(headers.get('content-type'), 'text/html; charset=utf-8');
      t.match(headers.get('content-security-policy'), /style-src/);
      t.equal(headers.get('cache-control'), 'no-store');
      t.match(html, '<h1>Page not found</h1>');
      t.match(html, 'href="/account"');
    }
    const form = await open('/account/sign-out');
    t.equal(form.status, 405, 'a path of a form');
    t.equal(form.headers.get('allow'), 'POST, OPTIONS');
    t.match(form.html, '<h1>Page not found</h1>');
    t.match(await send('/account/bogus'), { status: 404, body: { code: 'not_found' } });
    t.match(await open('/accounts'), { status: 404, html: /"code":"not_found"/ });
    const off = await startHttpService(t, { http: { accountPages: false } });
    t.match(await fetch(new URL('/account/bogus', off.url), { headers: { accept: 'text/html' } }), {
      status: 404,
    });
  },
);

t.test('behind TLS the name of the cookie has the prefix __Host-', async (t) => {
  const { submit, show } = await accountPages(t, { http: { publicUrl: 'https://auth.example.com' } });
  const answer = await submit('/account/sign-in', { username: 'ann@example.com', password: PASSWORD });
  const [set = ''] = answer.headers.getSetCookie();
  t.match(set, /^__Host-kinship_account=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  t.equal((await show('/account', set.split(';')[0])).title, 'Your account');
  const [, value = ''] = /=([\w-]{43})/.exec(set) ?? [];
  t.equal((await show('/account', `${COOKIE}=${value}`)).title, 'Sign in to your account');
});

t.test('a refused sign-in shows the form again, with the reason and the name', async (t) => {
  const { submit, users, userId } = await accountPages(t, { emailVerification: 'required' });
  const wrong = await submit('/account/sign-in', { username: 'ann', password: 'wrong' });
  t.equal(wrong.status, 401);
  t.equal(wrong.error, 'The name or the password is wrong.');
  t.match(wrong.html, '<title>Error: Sign in');
  t.match(wrong.html, / value="ann"/);
  t.notMatch(wrong.html, /wrong"/, 'a page never repeats a password');
  const unknown = await submit('/account/sign-in', { username: 'bob', password: 'wrong' });
  t.equal(unknown.error, wrong.error);
  const unverified = await submit('/account/sign-in', { username: 'ann', password: PASSWORD });
  t.equal(unverified.status, 403);
  t.match(unverified.error ?? '', /not confirmed. Open the link in the mail/);
  for (const answer of [wrong, unknown, unverified]) t.same(answer.headers.getSetCookie(), []);
  t.equal((await users.find(userId))?.emailVerifiedAt, null);
});

t.test('the sign-in form limits attempts, and says how long to wait', async (t) => {
  const { submit, time } = await accountPages(t);
  let last = await submit('/account/sign-in', { username: 'ann', password: 'wrong' });
  for (let attempt = 0; attempt < 10 && last.status === 401; attempt += 1)
    last = await submit('/account/sign-in', { username: 'ann', password: 'wrong' });
  t.equal(last.status, 429);
  t.match(last.error ?? '', /^Too many attempts. Try again in (a minute|\d+ minutes).$/);
  t.ok(Number(last.headers.get('retry-after')) > 0);
  t.equal((await submit('/account/sign-in', { username: 'ann', password: PASSWORD })).status, 429);
  time.now += 24 * 60 * MINUTE;
  t.equal((await submit('/account/sign-in', { username: 'ann', password: PASSWORD })).status, 303);
});

t.test(
  'a page is signed out after 30 minutes without a use, and its session is not listed then',
  async (t) => {
    const { signIn, show, time, sessionIds } = await accountPages(t);
    const cookie = await signIn();
    for (let use = 0; use < 4; use += 1) {
      time.now += 29 * MINUTE;
      t.equal((await show('/account', cookie)).title, 'Your account');
    }
    time.now += 30 * MINUTE;
    const idle = await show('/account', cookie);
    t.equal(idle.title, 'Sign in to your account');
    t.match(idle.headers.getSetCookie().join(), /kinship_account=; Max-Age=0/);
    t.same(await sessionIds(), []);
  },
);

t.test('uses do not keep a page signed in past SESSION_SHORT_AGE', async (t) => {
  const { signIn, show, time } = await accountPages(t, { policy: { sessionShortAge: 60 * MINUTE } });
  const cookie = await signIn();
  time.now += 25 * MINUTE;
  t.equal((await show('/account', cookie)).title, 'Your account');
  time.now += 25 * MINUTE;
  t.equal((await show('/account', cookie)).title, 'Your account');
  time.now += 10 * MINUTE;
  t.equal((await show('/account', cookie)).title, 'Sign in to your account');
});

t.test(
  'a page stays signed in no longer than SESSION_MAX_AGE, also if SESSION_SHORT_AGE is longer',
  async (t) => {
    const policy = { sessionShortAge: 120 * MINUTE, sessionMaxAge: 20 * MINUTE };
    const { signIn, show, time } = await accountPages(t, { policy });
    const cookie = await signIn();
    time.now += 19 * MINUTE;
    t.equal((await show('/account', cookie)).title, 'Your account');
    time.now += MINUTE;
    t.equal((await show('/account', cookie)).title, 'Sign in to your account');
  },
);

t.test(
  'the list shows each session with its device, address and times, and its form ends a session',
  async (t) => {
    const { signIn, show, submit, post, time, isLive } = await accountPages(t);
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
    const login = await post(
      '/auth/login',
      { username: 'ann', password: PASSWORD },
      { 'user-agent': firefox, 'x-forwarded-for': '203.0.113.9' },
    );
    const access = String(login.body.access);
    time.now += MINUTE;
    const cookie = await signIn();
    const { html } = await show('/account', cookie);
    const cards = html.split('<li>').filter((part) => part.includes('<h3>'));
    t.equal(cards.length, 2);
    const card = cards.find((part) => part.includes('Firefox')) ?? '';
    t.match(card, '<bdi>Firefox 145 on Linux</bdi>');
    t.match(card, 'Used most recently');
    t.match(card, '2 January 2026');
    t.match(card, '127.0.0.1');
    const [, id = ''] = /name="id" value="([^"]+)"/.exec(card) ?? [];
    t.equal((await submit('/account/sessions/end', { id }, cookie)).status, 303);
    t.equal(await isLive(access), false);
    const [sessions] = (await show('/account', cookie)).html.split('<h2>Recent activity');
    t.notMatch(sessions, 'Firefox');
    t.equal(
      (await submit('/account/sessions/end', { id }, cookie)).status,
      303,
      'the end of a session that has ended is no error',
    );
  },
);

t.test('the page shows the latest activity as text, without the address of an operator', async (t) => {
  const { show, signIn, post, send, adminKey, time } = await accountPages(t);
  const agent = '<img src=x>';
  const cookie = await signIn({}, { 'user-agent': agent });
  const before = await show('/account', cookie);
  const list = (html: string) => html.slice(html.indexOf('<h2>Recent activity'));
  t.match(list(before.html), /<li>Login: .*from 127\.0\.0\.1, <bdi>&lt;img src=x&gt;<\/bdi><\/li>/);
  t.notMatch(before.html, '<img');
  t.match(list(before.html), '<li>The account was created: ');

  time.now += 1_000;
  await post('/auth/login', { username: 'ann', password: PASSWORD });
  const [ended] = (await show('/account', cookie)).html.match(/(?<=name="id" value=")[\w-]+/g) ?? [];
  await send(`/admin/sessions/${ended}`, { method: 'DELETE', headers: { 'x-api-key': adminKey } });
  const [, line] =
    /(<li>A session ended \(an operator ended it\): .*<\/li>)/.exec((await show('/account', cookie)).html) ??
    [];
  t.match(line, /by an operator or a program<\/li>$/);
  t.notMatch(line, '127.0.0.1');

  for (let count = 0; count < 12; count += 1) {
    time.now += 1_000;
    await post('/auth/login', { username: 'ann', password: PASSWORD });
  }
  const after = list((await show('/account', cookie)).html);
  t.equal(after.match(/<li>/g)?.length, 10);
  t.notMatch(after, 'The account was created');
});

t.test('a long list of sessions is shown in pages', async (t) => {
  const { signIn, show, logIn, userId, time } = await accountPages(t);
  for (let n = 0; n < 101; n += 1) {
    time.now += 1_000;
    await logIn({ userId });
  }
  const cookie = await signIn();
  const cards = (html: string) => html.split('<h3>').length - 1;
  const first = await show('/account', cookie);
  t.equal(cards(first.html), 100);
  const [, next = ''] = /<a href="(\/account\?cursor=[^"]+)"/.exec(first.html) ?? [];
  t.equal(cards((await show(next, cookie)).html), 2);
  t.equal((await show('/account?cursor=nonsense', cookie)).status, 400);
});

t.test(
  '"End all other sessions" keeps the session of the page, and "End all sessions" ends it',
  async (t) => {
    const { signIn, show, submit, logInByApi, isLive, sessionIds } = await accountPages(t);
    const cookie = await signIn();
    const access = await logInByApi();
    t.equal((await submit('/account/sessions/end-all', { scope: 'others' }, cookie)).status, 303);
    t.equal(await isLive(access), false);
    t.equal((await show('/account', cookie)).title, 'Your account');
    const again = await logInByApi();
    await submit('/account/sessions/end-all', { scope: 'all' }, cookie);
    t.equal(await isLive(again), false);
    t.equal((await show('/account', cookie)).title, 'Sign in to your account');
    t.same(await sessionIds(), []);
  },
);

t.test(
  'the API ends the session of the account page alone, and together with all others of the user',
  async (t) => {
    const pages = await accountPages(t);
    const { signIn, show, logInByApi, post, send, sessionIds } = pages;
    const bearer = (access: string) => ({ authorization: `Bearer ${access}` });
    const ends = {
      'its own end': (access: string, id: string) =>
        send(`/auth/sessions/${id}`, { method: 'DELETE', headers: bearer(access) }),
      'log out everywhere': (access: string) => post('/auth/logout?scope=all', undefined, bearer(access)),
      'a new password': (access: string) =>
        post('/auth/password', { currentPassword: PASSWORD, newPassword: PASSWORD }, bearer(access)),
      deletion: (access: string) =>
        send('/auth/me', {
          method: 'DELETE',
          headers: { ...bearer(access), 'content-type': 'application/json' },
          body: JSON.stringify({ password: PASSWORD }),
        }),
    };
    for (const [name, end] of Object.entries(ends)) {
      const cookie = await signIn();
      t.equal((await show('/account', cookie)).title, 'Your account');
      const [id = ''] = await sessionIds();
      await end(await logInByApi(), id);
      t.equal((await show('/account', cookie)).title, 'Sign in to your account', name);
    }
  },
);

t.test('a new password ends all other sessions, and the page stays signed in', async (t) => {
  const { signIn, show, submit, logInByApi, isLive, post } = await accountPages(t);
  const cookie = await signIn();
  const other = await signIn();
  const access = await logInByApi();
  t.equal((await show('/account/password', cookie)).title, 'Change your password');
  const form = { currentPassword: PASSWORD, newPassword: 'a green piano 44' };
  for (const [wrong, reason] of [
    [{ currentPassword: 'wrong' }, 'The password is wrong.'],
    [{ newPassword: 'password1' }, /most common/],
    [{ newPassword: 'x'.repeat(129) }, /128 characters or fewer/],
  ] as const) {
    const refused = await submit('/account/password', { ...form, ...wrong }, cookie);
    t.match(refused.error, reason);
    t.notMatch(refused.html, PASSWORD, 'a page never repeats a password');
  }
  t.equal(await isLive(access), true, 'a refused change ends nothing');
  t.equal((await submit('/account/password', form, cookie)).title, 'Your password has been changed');
  t.equal(await isLive(access), false);
  t.equal((await show('/account', other)).title, 'Sign in to your account');
  t.equal((await show('/account', cookie)).title, 'Your account');
  t.equal((await post('/auth/login', { username: 'ann', password: 'a green piano 44' })).status, 200);
});

t.test('a new address needs the password once the sign-in is older than STEP_UP_MAX_AGE', async (t) => {
  const { signIn, show, submit, time, outbox } = await accountPages(t);
  const mails = async () =>
    (await outbox.claim('mail', time.now, time.now + 60 * MINUTE, 100)).map(({ event }) => event.type);
  const cookie = await signIn();
  await mails();
  const form = { email: 'ann@example.org' };
  t.notMatch((await show('/account/email', cookie)).html, 'type="password"');
  t.equal((await submit('/account/email', form, cookie)).title, 'Open your mailbox');
  t.same((await mails()).sort(), ['users.email_change_announced', 'users.email_change_requested']);
  time.now += 11 * MINUTE;
  t.match((await show('/account/email', cookie)).html, 'type="password"');
  const refused = await submit('/account/email', form, cookie);
  t.match(refused.error, /Enter your password/);
  t.match(refused.html, 'value="ann@example.org"');
  const wrong = await submit('/account/email', { ...form, password: 'wrong' }, cookie);
  t.equal(wrong.error, 'The password is wrong.');
  t.same(await mails(), []);
  t.equal(
    (await submit('/account/email', { ...form, password: PASSWORD }, cookie)).title,
    'Open your mailbox',
  );
});

t.test('an address that cannot be used is refused at the form', async (t) => {
  const { signIn, submit, post } = await accountPages(t);
  await post('/auth/register', { username: 'bob', email: 'bob@example.com', password: PASSWORD });
  const cookie = await signIn();
  for (const [email, reason] of [
    ['nonsense', /^The mail address must be one mailbox/],
    ['ann@example.com', /^The account already has this mail address/],
    ['bob@example.com', 'The address is taken.'],
  ] as const)
    t.match((await submit('/account/email', { email }, cookie)).error, reason);
});

t.test('a signed-out request for a change leads to the sign-in', async (t) => {
  const { show, submit } = await accountPages(t);
  for (const path of ['/account/password', '/account/email']) {
    const { status, headers } = await show(path);
    t.equal(status, 303, path);
    t.equal(headers.get('location'), '/account');
  }
  for (const [path, form] of Object.entries({
    '/account/sign-out': {},
    '/account/sessions/end-all': { scope: 'all' },
    '/account/password': { currentPassword: PASSWORD, newPassword: 'a green piano 44' },
    '/account/email': { email: 'ann@example.org' },
  }))
    t.equal((await submit(path, form)).headers.get('location'), '/account', path);
});

t.test(
  'a session with a device name is listed under this name, with its browser or app below it',
  async (t) => {
    const { signIn, show, post, userId } = await accountPages(t);
    const agent = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0' };
    const login = await post(
      `/auth/login?userId=${userId}&device=Ann%3Cb%3E%E2%80%99s+phone`,
      undefined,
      agent,
    );
    t.equal(login.status, 200);
    const { html } = await show('/account', await signIn());
    t.match(html, '<h3><bdi>Ann&lt;b&gt;’s phone</bdi></h3>');
    t.match(html, '<dt>Browser or app</dt><dd><bdi>Firefox 145 on Linux</bdi></dd>');
    t.match(html, 'aria-label="End the session: Ann&lt;b&gt;’s phone, since ');
    t.equal(html.split('<dt>Browser or app</dt>').length, 2, 'the other session has no device name');
  },
);

t.test('a form with an unknown, a missing or a repeated member is refused as a page', async (t) => {
  const { signIn, visit } = await accountPages(t);
  const cookie = await signIn();
  const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded' };
  for (const [path, body] of [
    ['/account/sign-in', 'username=ann'],
    ['/account/sign-in', 'username=ann&username=bob&password=x'],
    ['/account/sessions/end', 'id=1'],
    ['/account/sessions/end-all', 'scope=none'],
    ['/account/password', 'newPassword=x'],
    ['/account/email', 'email=a@example.org&userId=1'],
    ['/account/sign-out', 'scope=all'],
    ['/account/sign-out', '__proto__=1'],
    ['/account/factors/recovery-codes', 'count=1'],
    ['/account/factors/totp', 'label=x'],
    ['/account/factors/totp/confirm', 'id=1&code=123456'],
    ['/account/factors/remove', 'id=1'],
    ['/account/factors/passkeys/begin', 'password=x&password=y'],
    ['/account/factors/passkeys', 'challenge=x&credential=x&label=x&id=1'],
    ['/account/forgotten-password', 'email=a@example.org&email=b@example.org'],
    ['/account/sign-in/second-factor', 'challenge=x&code=1&userId=1'],
  ] as const) {
    const { status, title, html } = await visit(path, { method: 'POST', body, headers });
    t.equal(status, 400, body);
    t.equal(title, 'This form is not complete');
    t.notMatch(html, /body\//);
  }
});

t.test(
  'with ACCOUNT_PAGES=off no account page is served, and the home page does not link to one',
  async (t) => {
    const { show } = await accountPages(t, { http: { accountPages: false } });
    t.equal((await show('/account')).status, 404);
    t.notMatch((await show('/')).html, '/account');
  },
);

t.test('the address of a refused form leads back to its page', async (t) => {
  const { show } = await accountPages(t);
  const forms = ['totp', 'totp/confirm', 'recovery-codes', 'remove', 'passkeys/begin', 'passkeys'];
  const targets = {
    '/account': ['/account/sign-in', '/account/sign-in/second-factor'],
    '/account/factors': forms.map((form) => `/account/factors/${form}`),
  };
  for (const [page, paths] of Object.entries(targets))
    for (const path of paths) {
      const { status, headers } = await show(path);
      t.same([status, headers.get('location')], [303, page], path);
    }
});

t.test('without mails the pages offer nothing that needs one', async (t) => {
  const { show, signIn } = await accountPages(t, { sendsMails: false });
  t.notMatch((await show('/account')).html, 'forgotten-password');
  t.equal((await show('/account/forgotten-password')).status, 404);
  const cookie = await signIn();
  t.notMatch((await show('/account', cookie)).html, '/account/email');
  t.equal((await show('/account/email', cookie)).status, 404);
});

t.test('the session used most recently is marked only if all sessions are on the page', async (t) => {
  const { show, signIn, families, userId, time } = await accountPages(t, {
    policy: { sessionsPerUser: 200 },
  });
  const cookie = await signIn();
  const open = async (count: number) => {
    for (let left = count; left > 0; left -= 1) {
      const family = someFamily({
        userId,
        createdAt: time.now,
        rotatedAt: time.now,
        expiresAt: time.now + DAY,
      });
      await families.open({ ...family, refreshExpiresAt: family.expiresAt }, []);
    }
  };
  await open(2);
  t.equal((await show('/account', cookie)).html.split('Used most recently').length, 2);
  await open(100);
  const { html } = await show('/account', cookie);
  t.notMatch(html, 'Used most recently');
  const [, next = ''] = /href="(\/account\?cursor=[^"]+)"/.exec(html) ?? [];
  t.notMatch((await show(next, cookie)).html, 'Used most recently');
});
