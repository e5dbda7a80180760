import t, { type Test } from 'tap';
import { findMailRecipient } from '../../src/app/delivery/mail-recipient.ts';
import { type HttpService, RESOURCE_KEY, startHttpService } from '../support/http.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { PASSWORD } from '../support/passwords.ts';

const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
const DAY = 86_400_000;
const PATH = '/auth/email/verify';

async function startService(t: Test, settings: Parameters<typeof startHttpService>[1] = {}) {
  const service = await startHttpService(t, { emailVerification: 'optional', ...settings });
  return {
    ...service,
    /** The tokens of the links that were mailed since the last call. */
    mailed: () => mailedTokens(service),
    press: (token: string) =>
      fetch(service.url + PATH, { method: 'POST', body: new URLSearchParams({ token }) }),
    isVerified: async () => (await service.users.findByIdentifier('ann'))?.emailVerifiedAt != null,
  };
}

async function mailedTokens({ outbox, links, time }: HttpService): Promise<string[]> {
  const mails = await outbox.claim('mail', time.now, Number.MAX_SAFE_INTEGER, 100);
  return mails.flatMap(({ event }) =>
    event.type === 'users.email_verification_requested' ? [links.makeAddressSecret(event.data.linkId)] : [],
  );
}

/** Waits for the next mails, which are recorded after the answer. Returns the tokens of their links. */
async function waitForMailedTokens(service: HttpService): Promise<string[]> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const tokens = await mailedTokens(service);
    if (tokens.length > 0) return tokens;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return [];
}

const eventsOf = async ({ outbox, time }: HttpService) =>
  (await outbox.claim('event', time.now, time.now, 100)).map(({ event }) => event);

t.test('a registration mails a link, and its button verifies the address once', async (t) => {
  const service = await startService(t);
  const { post, press, isVerified, mailed, send, url } = service;
  await post('/auth/register', ann);
  const [token = '', ...more] = await mailed();
  t.same(more, []);

  for (const method of ['GET', 'HEAD']) {
    const page = await fetch(`${url}${PATH}?token=${token}`, { method });
    t.equal(page.status, 200);
    t.equal(page.headers.get('cache-control'), 'no-store');
    t.equal(page.headers.get('referrer-policy'), 'no-referrer');
    const html = await page.text();
    if (method === 'GET') t.match(html, /<bdi>ann<\/bdi>.*<bdi>ann@example.com<\/bdi>.*<button>/s);
    t.equal(await isVerified(), false, 'the page of the link changes nothing');
  }
  for (const bad of ['', 'x', `${token}x`]) t.equal((await press(bad)).status, 403, bad);
  t.equal(await isVerified(), false);

  const done = await press(token);
  t.equal(done.status, 200);
  t.match(await done.text(), /Your address is confirmed/);
  t.equal(await isVerified(), true);
  t.equal((await press(token)).status, 403, 'once');
  t.equal((await fetch(`${url}${PATH}?token=${token}`)).status, 403);

  const { access } = (await post('/auth/login', { username: 'ann', password: PASSWORD })).body;
  const me = await send('/auth/me', { headers: { authorization: `Bearer ${access}` } });
  t.match(me.body, { email: 'ann@example.com', emailVerified: true });
  const userId = String(me.body.userId);
  const verified = (await eventsOf(service)).filter(({ type }) => type === 'users.email_verified');
  t.match(verified, [{ data: { userId, address: '127.0.0.1' } }]);
  t.equal(verified.length, 1);
  t.match(service.lines.join(''), '"event":"email_verified"');
  t.notMatch(service.lines.join(''), /ann@example/, 'the log contains no address');
});

t.test('of many simultaneous requests of the button one verifies the address', async (t) => {
  const { post, press, mailed } = await startService(t);
  await post('/auth/register', ann);
  const [token = ''] = await mailed();
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await press(token)).status));
  t.same(statuses.sort(), [200, ...Array(19).fill(403)]);
});

t.test('a link is valid for a day', async (t) => {
  const { post, press, mailed, time } = await startService(t);
  await post('/auth/register', ann);
  await post('/auth/register', { ...ann, username: 'bob', email: 'bob@example.com' });
  const [used = '', unused = ''] = await mailed();
  time.now += DAY - 1;
  t.equal((await press(used)).status, 200);
  time.now += 1;
  t.equal((await press(unused)).status, 403);
});

t.test('the link is mailed again on request, with one answer for every address', async (t) => {
  const service = await startService(t);
  const { post, press, mailed } = service;
  await post('/auth/register', ann);
  await mailed();
  const known = await post('/auth/email/verification', { email: 'ANN@example.com' });
  const unknown = await post('/auth/email/verification', { email: 'eve@example.com' });
  t.same([known.status, known.body], [202, {}]);
  t.same([unknown.status, unknown.body], [known.status, known.body]);
  const [token = '', ...more] = await waitForMailedTokens(service);
  t.same(more, []);
  t.equal((await press(token)).status, 200);
  t.equal((await post('/auth/email/verification', { email: ann.email })).status, 202);
  t.same(await waitForMailedTokens(service), [], 'a verified address gets no link');
  t.match(await post('/auth/email/verification', { email: 'a@b.example, eve@example.com' }), {
    status: 400,
    body: { code: 'invalid_request' },
  });
});

t.test('a request for a link gets the same bytes for every address', async (t) => {
  const { post, press, mailed, url } = await startService(t);
  await post('/auth/register', ann);
  const [token = ''] = await mailed();
  await press(token);
  await post('/auth/register', { ...ann, username: 'bob', email: 'bob@example.com' });
  const headers = { 'content-type': 'application/json', 'x-request-id': 'the-same-for-all' };
  for (const path of ['/auth/email/verification', '/auth/password/forgot']) {
    const answers = new Set<string>();
    for (const email of [ann.email, 'bob@example.com', 'nobody@example.com', 'nobody@bücher.example'])
      for (let n = 0; n < 5; n += 1) {
        const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify({ email }) });
        const { date: _, ...headersOfAnswer } = Object.fromEntries(answer.headers);
        answers.add(JSON.stringify([answer.status, headersOfAnswer, await answer.text()]));
      }
    t.equal(answers.size, 1, `${path}: verified, unverified, unknown, and past the limit of mails`);
  }
});

t.test('a request for a link is answered before the link is stored', async (t) => {
  const stores = createMemoryStores();
  const never = () => new Promise<never>(() => {});
  const { post } = await startService(t, {
    stores: {
      ...stores,
      emailLinks: { ...stores.emailLinks, add: never },
      users: { ...stores.users, addReset: never },
    },
  });
  await post('/auth/register', ann);
  for (const path of ['/auth/email/verification', '/auth/password/forgot'])
    for (const email of [ann.email, 'eve@example.com'])
      t.match(await post(path, { email }), { status: 202, body: {} }, `${path} ${email}`);
});

t.test('an address gets three links a day, whichever accounts have it', async (t) => {
  const service = await startService(t);
  const { post, send, time } = service;
  let count = 0;
  const again = async () => {
    await post('/auth/email/verification', { email: ann.email });
    count += (await waitForMailedTokens(service)).length;
  };
  await post('/auth/register', ann);
  count += (await waitForMailedTokens(service)).length;
  await again();
  const { access } = (await post('/auth/login', { username: 'ann', password: PASSWORD })).body;
  const headers = { authorization: `Bearer ${access}`, 'content-type': 'application/json' };
  await send('/auth/me', { method: 'DELETE', headers, body: JSON.stringify({ password: PASSWORD }) });
  t.equal((await post('/auth/register', { ...ann, email: 'ANN@Example.com' })).status, 201);
  count += (await waitForMailedTokens(service)).length;
  t.equal(count, 3);
  await again();
  t.equal(count, 3);
  t.match(service.lines.join(''), '"limit":"verification-mails"');
  time.now += DAY;
  await again();
  t.equal(count, 4, 'and the next day again');
});

t.test(
  'a password login of an unverified account is refused only where verification is required',
  async (t) => {
    for (const emailVerification of ['optional', 'required', 'off'] as const) {
      const { post, press, mailed } = await startService(t, { emailVerification });
      await post('/auth/register', ann);
      const doors = ['/auth/login', '/api/v1/login/'];
      const logIn = (path: string, password = PASSWORD) => post(path, { username: 'ann', password });
      const tokens = await mailed();
      t.equal(tokens.length, emailVerification === 'off' ? 0 : 1);
      for (const path of doors) {
        const wrong = await logIn(path, 'a wrong piano 42');
        t.match(
          wrong,
          { status: 401, body: { code: 'invalid_credentials' } },
          'revealed only after the right password',
        );
        const right = await logIn(path);
        if (emailVerification !== 'required') t.equal(right.status, 200);
        else t.match(right, { status: 403, body: { code: 'email_unverified', recovery: 'none' } });
      }
      for (const token of tokens) await press(token);
      for (const path of doors) t.equal((await logIn(path)).status, 200);
    }
  },
);

t.test('introspection contains an address as the user name only if the address is verified', async (t) => {
  const { post, send, press, mailed } = await startService(t);
  await post('/auth/register', { ...ann, username: ann.email });
  const [token = ''] = await mailed();
  const introspect = async () => {
    const { access } = (await post('/auth/login', { username: ann.email, password: PASSWORD })).body;
    const body = new URLSearchParams({ token: String(access) });
    return (await send('/oauth/introspect', { method: 'POST', headers: { 'x-api-key': RESOURCE_KEY }, body }))
      .body;
  };
  const before = await introspect();
  t.match(before, { active: true, email_verified: false });
  t.notOk('username' in before);
  await press(token);
  t.match(await introspect(), { active: true, email_verified: true, username: ann.email });
});

t.test(
  'the owner of an address can take over the account of a stranger with that address, by a reset',
  async (t) => {
    const service = await startService(t);
    const { post, send, users, outbox, links, url, time } = service;
    await post('/auth/register', ann);
    const { access } = (await post('/auth/login', { username: 'ann', password: PASSWORD })).body;
    const reset = async (newPassword: string) => {
      time.now += DAY;
      await post('/auth/password/forgot', { email: ann.email });
      for (;;) {
        const mails = await outbox.claim('mail', time.now, Number.MAX_SAFE_INTEGER, 100);
        const mail = mails.map(({ event }) => event).find(({ type }) => type === 'users.password_forgotten');
        if (mail?.type !== 'users.password_forgotten') continue;
        const body = new URLSearchParams({ token: links.makeResetSecret(mail.data.resetId), newPassword });
        return (await fetch(`${url}/auth/password/reset`, { method: 'POST', body })).text();
      }
    };
    t.match(await reset('a green piano 44'), 'The address of your account is now confirmed.');
    t.ok((await users.findByIdentifier('ann'))?.emailVerifiedAt);
    const me = await send('/auth/me', { headers: { authorization: `Bearer ${access}` } });
    t.equal(me.status, 401, 'the sessions of the stranger have ended');
    const events = (await eventsOf(service)).filter(({ type }) => type !== 'sessions.started');
    t.same(
      events.map(({ type }) => type),
      ['users.created', 'users.email_verified', 'users.password_changed', 'sessions.revoked'],
    );
    t.match(events[2], { data: { emailVerified: true } });

    t.notMatch(
      await reset('a blue piano 45'),
      'is now confirmed',
      'only the first reset verifies the address',
    );
    const later = (await eventsOf(service)).filter(({ type }) => type === 'users.password_changed');
    t.notOk('emailVerified' in (later.at(-1)?.data ?? {}));
  },
);

t.test('an address with a tag is another address, and the tag is kept', async (t) => {
  const { post, outbox, users, time } = await startService(t);
  const tagged = { ...ann, username: 'bob', email: 'Ann+news@example.com' };
  t.equal((await post('/auth/register', ann)).status, 201);
  t.equal((await post('/auth/register', tagged)).status, 201);
  t.match(await post('/auth/register', { ...tagged, username: 'eve' }), { status: 409 });
  const mails = await outbox.claim('mail', time.now, time.now, 10);
  const recipients = await Promise.all(
    mails.map((mail) => findMailRecipient({ users, operatorAddress: null }, mail)),
  );
  t.same(recipients.map((recipient) => recipient?.to).sort(), ['Ann+news@example.com', 'ann@example.com']);
});
