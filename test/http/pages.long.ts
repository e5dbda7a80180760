import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { launchChromium } from '../support/chromium.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';
import { renderingChecks } from '../support/rendering.ts';

const RESET = '/auth/password/reset';

/** A service with one account, and the links that mails contain. */
async function serviceWithLinks(t: Test, username = 'ann') {
  const service = await startHttpService(t);
  const { links, time, outbox, users, emailLinks, emailChanges, url } = service;
  const account = { username, email: 'ann@example.com', password: PASSWORD };
  const { id } = (await service.post('/auth/register', account)).body;
  const userId = String(id);
  const in1h = () => time.now + 3_600_000;
  return {
    ...service,
    userId,
    endOne: `${url}/auth/not-me?token=${links.makeNotMeToken(randomUUID(), userId, in1h())}`,
    endAll: `${url}/auth/not-me?token=${links.makeNotMeToken(null, userId, in1h())}`,
    stranger: `${url}/auth/not-me?token=${links.makeNotMeToken(null, randomUUID(), in1h())}`,
    async makeResetLink() {
      const resetId = randomUUID();
      const secret = links.makeResetSecret(resetId);
      await users.addReset({ hashedToken: links.hashSecret(secret), userId, expiresAt: in1h() }, []);
      return `${url}${RESET}?token=${secret}`;
    },
    async makeVerificationLink() {
      const linkId = randomUUID();
      const secret = links.makeAddressSecret(linkId);
      const link = { userId, purpose: 'verify', email: account.email, expiresAt: in1h() } as const;
      await emailLinks.add({ ...link, hashedToken: links.hashSecret(secret) }, []);
      return `${url}/auth/email/verify?token=${secret}`;
    },
    /** The links of a requested change of the address. */
    async makeChangeLinks() {
      const email = `${randomUUID()}@example.org`;
      const [toNew, toOld] = [randomUUID(), randomUUID()].map((id) => links.makeAddressSecret(id));
      const link = { userId, expiresAt: in1h() };
      const change = {
        ...link,
        purpose: 'change',
        email,
        hashedToken: links.hashSecret(toNew ?? ''),
      } as const;
      const undo = {
        ...link,
        purpose: 'undo',
        email: account.email,
        hashedToken: links.hashSecret(toOld ?? ''),
      } as const;
      await emailChanges.request({ change, undo }, null, []);
      return {
        change: `${url}/auth/email/change?token=${toNew}`,
        undo: `${url}/auth/email/undo?token=${toOld}`,
      };
    },
    mails: async () => (await outbox.claim('mail', time.now, time.now, 100)).map(({ event }) => event.type),
  };
}

async function choosePassword(page: Page, password: string): Promise<void> {
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button').click();
}

t.test('every page is accessible and fits a phone, in light and dark, without scripts', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const check = await renderingChecks(t, browser);
  const ann = await serviceWithLinks(t);
  await check('home', (page) => page.goto(ann.url));
  await check('reset form', async (page) => page.goto(await ann.makeResetLink()));
  await check('refused password', (page) => choosePassword(page, 'password1'));
  await check('password set', (page) => choosePassword(page, 'a green piano 44'));
  await check('used link', (page) => page.reload());
  await check('incomplete link', (page) => page.goto(`${ann.url}${RESET}`));
  await check('address to confirm', async (page) => page.goto(await ann.makeVerificationLink()));
  await check('address confirmed', (page) => page.getByRole('button').click());
  const { change, undo } = await ann.makeChangeLinks();
  await check('new address', async (page) => page.goto(change));
  await check('address changed', (page) => page.getByRole('button').click());
  await check('former address', async (page) => page.goto(undo));
  await check('former address kept', (page) => page.getByRole('button').click());
  await check('end all sessions', (page) => page.goto(ann.endAll));
  await check('all sessions ended', (page) => page.getByRole('button').click());
  await check('reset link mailed', (page) => page.getByRole('button').click());
  await check('sessions of a foreign account', (page) => page.goto(ann.stranger));
  for (const username of ['m'.repeat(64), `${'\u0627\u0633\u0645'.repeat(20)}1234`]) {
    const { makeResetLink, endOne, makeVerificationLink } = await serviceWithLinks(t, username);
    await check(`long name ${username[0]}, address`, async (page) => page.goto(await makeVerificationLink()));
    await check(`long name ${username[0]}, reset form`, async (page) => page.goto(await makeResetLink()));
    await check(`long name ${username[0]}, one session`, (page) => page.goto(endOne));
  }
});

t.test('a refused password shows the form again, with the reason at the field', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const { makeResetLink } = await serviceWithLinks(t);
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await page.goto(await makeResetLink());
  t.equal(await page.title(), 'Choose a new password – auth.example.com');
  for (const [password, reason] of [
    ['password1', /most common/],
    ['ann@example.com', /name or address/],
    ['x'.repeat(129), /128 characters or fewer/],
  ] as const) {
    await choosePassword(page, password);
    t.equal(await page.title(), 'Error: Choose a new password – auth.example.com');
    const field = page.getByLabel('New password');
    t.equal(await field.getAttribute('aria-describedby'), 'error new-password-hint');
    t.match(await page.locator('#error').textContent(), reason);
    t.equal(await field.getAttribute('aria-invalid'), 'true');
    t.equal(await page.evaluate('document.activeElement.id'), await field.getAttribute('id'));
    t.equal(await field.inputValue(), '', 'a page never repeats a password');
    t.equal(await page.getByLabel('Account').inputValue(), 'ann');
  }
  await choosePassword(page, 'a green piano 44');
  t.equal(await page.getByRole('heading').textContent(), 'Your password has been set');
  await page.reload();
  t.equal(await page.getByRole('heading').textContent(), 'This link is no longer valid');
  t.match(await page.getByRole('main').textContent(), /ask for a new link/);
});

t.test('the server also refuses, with a reason, a password that a browser would not send', async (t) => {
  const { makeResetLink, url } = await serviceWithLinks(t);
  const token = new URL(await makeResetLink()).searchParams.get('token') ?? '';
  for (const [newPassword, reason] of [
    ['', '8 characters or more'],
    [`a\u0000${'b'.repeat(8)}`, 'an invalid character'],
    ['y'.repeat(2_000), '128 characters or fewer'],
  ] as const) {
    const body = new URLSearchParams({ token, newPassword });
    const answer = await fetch(url + RESET, { method: 'POST', body });
    t.equal(answer.status, 400);
    t.match(await answer.text(), new RegExp(`<p id="error" class="error" role="alert">[^<]*${reason}`));
  }
});

t.test('the reset form gives a password manager the account and the new password', async (t) => {
  const { makeResetLink } = await serviceWithLinks(t);
  const html = await (await fetch(await makeResetLink())).text();
  t.match(html, /<input [^>]*autocomplete="username" readonly[^>]* value="ann">/);
  t.match(html, /<input [^>]*type="password" autocomplete="new-password"/);
  t.ok(
    html.indexOf('id="new-password-hint"') < html.indexOf('<button>'),
    'the hint stands before the button',
  );
});

t.test('the link in a mail about an ended session ends all sessions, and mails a reset link', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const { endAll, mails, post, send, userId } = await serviceWithLinks(t);
  const logIn = async () => (await post('/auth/login', { username: 'ann', password: PASSWORD })).body.access;
  const tokens = [await logIn(), await logIn()];
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await page.goto(endAll);
  t.match(await page.getByRole('main').textContent(), /all sessions of the account ann\./);
  const status = (access: unknown) => send('/auth/me', { headers: { authorization: `Bearer ${access}` } });
  t.equal((await status(tokens[0])).status, 200, 'a GET ends nothing');
  await page.getByRole('button', { name: 'End all sessions' }).click();
  t.equal(await page.getByRole('heading').textContent(), 'All sessions have ended');
  for (const access of tokens) t.equal((await status(access)).status, 401, userId);
  t.same(await mails(), []);
  await page.getByRole('button', { name: 'Mail me a link' }).click();
  t.equal(await page.getByRole('heading').textContent(), 'Open your mailbox');
  t.same(await mails(), ['users.password_forgotten']);
});

t.test('a page names the service, and shows markup in names as text', async (t) => {
  const service = await startHttpService(t, { http: { serviceName: '<b>Bank & "Co"</b>' } });
  const { links, time, url, users } = service;
  const userId = randomUUID();
  await users.create(
    {
      id: userId,
      username: '<img src=x onerror=alert(1)>',
      email: 'ann@example.com',
      passwordHash: 'x',
      createdAt: time.now,
      emailVerifiedAt: null,
      roles: [],
    },
    [],
  );
  for (const sessionId of [null, randomUUID()]) {
    const token = links.makeNotMeToken(sessionId, userId, time.now + 1_000);
    const html = await (await fetch(`${url}/auth/not-me?token=${token}`)).text();
    t.match(html, '<header><bdi>&lt;b&gt;Bank &amp; &quot;Co&quot;&lt;/b&gt;</bdi></header>');
    t.match(html, '<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>');
    t.notMatch(html, /<(?:b|img)\b/);
  }
});

t.test(
  'the root path lists the pages of the service, as HTML for browsers and as JSON for other clients',
  async (t) => {
    const { url, send } = await startHttpService(t);
    const html = await (await fetch(url, { headers: { accept: 'text/html,*/*;q=0.8' } })).text();
    const linked = [...html.matchAll(/<a href="([^"]+)">/g)].map(([, path = '']) => path);
    const { headers, body } = await send('/');
    t.equal(headers.get('vary'), 'accept');
    t.same(Object.values(body), linked);
    t.equal(linked.length, 5);
    const shared = await startHttpService(t, { http: { corsOrigins: ['https://app.example.com'] } });
    t.equal((await shared.send('/')).headers.get('vary'), 'origin, accept');
    for (const path of linked) t.equal((await fetch(`${url}${path}`)).status, 200, path);
  },
);

t.test('a page never describes the schema of a request', async (t) => {
  const { url } = await startHttpService(t);
  for (const path of [RESET, '/auth/not-me', '/auth/email/verify', `${RESET}?token=${'x'.repeat(200)}`]) {
    const answer = await fetch(url + path);
    t.equal(answer.status, 400);
    const html = await answer.text();
    t.match(html, '<h1>This link is not complete</h1>');
    t.notMatch(html, /querystring|property|body\//);
  }
});
