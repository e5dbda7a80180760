import t, { type Test } from 'tap';
import { findMailRecipient } from '../../src/app/delivery/mail-recipient.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
const DAY = 86_400_000;
const HALF_AN_HOUR = 1_800_000;

type Purpose = 'change' | 'undo';

const EVENTS = {
  change: 'users.email_change_requested',
  undo: 'users.email_change_announced',
} as const;

/** Starts a service with an account, whose address is verified unless the test says otherwise. */
async function withAnn(t: Test, account = ann, isVerified = true) {
  const service = await startHttpService(t);
  const { post, send, url, users, time } = service;
  const { body } = await post('/auth/register', account);
  const user = await users.find(String(body.id));
  if (user === null) throw new Error('no account was made');
  if (isVerified) await users.change(user, { ...user, emailVerifiedAt: time.now }, { at: time.now }, []);
  const logInAs = async (username = account.username) =>
    String((await post('/auth/login', { username, password: PASSWORD })).body.access);
  const access = await logInAs();
  const bearer = { authorization: `Bearer ${access}` };
  return {
    ...service,
    logInAs,
    request: (email: string, password = PASSWORD) => post('/auth/email', { email, password }, bearer),
    me: async () => (await send('/auth/me', { headers: bearer })).body,
    press: (purpose: Purpose, token: string) =>
      fetch(`${url}/auth/email/${purpose}`, { method: 'POST', body: new URLSearchParams({ token }) }),
  };
}

/** The newest mail with a link of this kind: its recipient, and the token in its link. */
async function newestMail({ outbox, users, links, time }: HttpService, purpose: Purpose) {
  const mails = await outbox.claim('mail', time.now, time.now, 100);
  const entry = mails.findLast(({ event }) => event.type === EVENTS[purpose]);
  if (entry === undefined || !('linkId' in entry.event.data))
    throw new Error(`no mail with a link: ${purpose}`);
  const recipient = await findMailRecipient({ users, operatorAddress: null }, entry);
  return { to: recipient?.to, token: links.makeAddressSecret(entry.event.data.linkId) };
}

t.test('an account gets a new address only after a link has verified the address', async (t) => {
  const service = await withAnn(t);
  const { request, me, press, url, logInAs, outbox, time, post } = service;
  t.match(await request('ann@example.org'), { status: 202, body: {} });
  t.match(await me(), { email: 'ann@example.com' }, 'the request changes nothing');
  const change = await newestMail(service, 'change');
  t.equal(change.to, 'ann@example.org');
  t.equal((await newestMail(service, 'undo')).to, 'ann@example.com');

  const page = await fetch(`${url}/auth/email/change?token=${change.token}`);
  t.equal(page.status, 200);
  t.match(await page.text(), /<bdi>ann@example.org<\/bdi>.*<bdi>ann<\/bdi>.*<button>/s);
  t.match(await me(), { email: 'ann@example.com' }, 'the page of the link changes nothing');
  t.equal((await press('undo', change.token)).status, 403, 'each link has one purpose');
  t.match(await (await press('change', change.token)).text(), /Your address has changed/);
  t.match(await me(), { email: 'ann@example.org', emailVerified: true }, 'the session lives on');
  t.equal((await press('change', change.token)).status, 403, 'once');
  t.equal(
    (await newestMail(service, 'undo')).to,
    'ann@example.com',
    'the notice still goes to the former address',
  );
  t.ok(await logInAs('ann@example.org'));
  t.match(await post('/auth/login', { username: 'ann@example.com', password: PASSWORD }), { status: 401 });
  t.equal(
    (await post('/auth/register', { ...ann, username: 'eve' })).status,
    409,
    'the former address stays reserved',
  );

  const events = (await outbox.claim('event', time.now, time.now, 100)).map(({ event }) => event);
  t.match(
    events.filter(({ type }) => type.startsWith('users.email')),
    [{ type: 'users.email_changed', data: { undone: false, address: '127.0.0.1' } }],
  );
});

t.test('if a user name is the address, the page of an undo shows the restored name', async (t) => {
  const service = await withAnn(t, { ...ann, username: ann.email });
  await service.request('new@example.org');
  const undo = await newestMail(service, 'undo');
  await service.press('change', (await newestMail(service, 'change')).token);
  t.match(await service.users.findByIdentifier('new@example.org'), { username: 'new@example.org' });
  const html = await (await service.press('undo', undo.token)).text();
  t.match(html, /The account <strong><bdi>ann@example.com<\/bdi>/);
});

t.test(
  'the link to the former address undoes a change, also a change by a thief who knows the password',
  async (t) => {
    const service = await withAnn(t);
    const { request, me, press, users, outbox, time, post, url } = service;
    await request('thief@example.org');
    const change = await newestMail(service, 'change');
    const undo = await newestMail(service, 'undo');
    await press('change', change.token);
    time.now += 7 * DAY - 1_000;
    const page = await fetch(`${url}/auth/email/undo?token=${undo.token}`);
    t.match(await page.text(), /<bdi>ann@example.com<\/bdi>.*ends all sessions.*<button>/s);
    t.match(
      await users.findByIdentifier('ann'),
      { email: 'thief@example.org' },
      'the page of the link changes nothing',
    );
    const html = await (await press('undo', undo.token)).text();
    t.match(html, /Your address is kept/);
    t.match(await me(), { code: 'unauthenticated' }, 'every session has ended');
    t.match(await users.findByIdentifier('ann'), { email: 'ann@example.com', emailVerifiedAt: time.now });
    t.equal((await press('undo', undo.token)).status, 403, 'once');
    const events = (await outbox.claim('event', time.now, time.now, 100)).map(({ event }) => event);
    t.match(events.filter(({ type }) => type === 'users.email_changed').at(-1), { data: { undone: true } });
    for (const event of ['email_change_requested', 'email_changed', 'email_change_undone'])
      t.match(service.lines.join(''), `"event":"${event}"`);
    t.notMatch(service.lines.join(''), /ann@example|thief@example/, 'the log names no address');

    const token =
      /action="\/auth\/not-me\/password">\n<input type="hidden" name="token" value="([^"]+)"/.exec(html)?.[1];
    const mailedReset = await fetch(`${url}/auth/not-me/password`, {
      method: 'POST',
      body: new URLSearchParams({ token: token ?? '' }),
    });
    t.equal(mailedReset.status, 200);
    t.equal(
      (await post('/auth/register', { ...ann, username: 'eve', email: 'thief@example.org' })).status,
      201,
    );
  },
);

t.test(
  'an address that was never verified gets a notice without an undo link, and is free at once',
  async (t) => {
    const service = await withAnn(t, ann, false);
    const { request, outbox, time, press, post } = service;
    t.equal((await request('ann@example.org')).status, 202);
    const change = await newestMail(service, 'change');
    const mails = (await outbox.claim('mail', time.now + 1, time.now + 1, 100)).map(({ event }) => event);
    const notice = mails.find(({ type }) => type === EVENTS.undo);
    t.match(notice, { data: { email: ann.email, address: '127.0.0.1' } });
    for (const name of ['linkId', 'newEmail']) t.notOk(name in (notice?.data ?? {}), name);
    t.equal((await press('change', change.token)).status, 200);
    t.equal((await post('/auth/register', { ...ann, username: 'owner' })).status, 201);
  },
);

t.test(
  'the page after an undo promises a link for a new password only if the link is recorded',
  async (t) => {
    const service = await withAnn(t);
    const { request, press, post, outbox, time, url, users } = service;
    await request('ann@example.org');
    const undo = await newestMail(service, 'undo');
    for (let n = 0; n < 3; n += 1) await post('/auth/password/forgot', { email: ann.email });
    time.now += HALF_AN_HOUR;
    const html = await (await press('undo', undo.token)).text();
    const token = /name="token" value="([^"]+)"/.exec(html)?.[1] ?? '';
    const mailReset = async () => {
      const body = new URLSearchParams({ token });
      const response = await fetch(`${url}/auth/not-me/password`, { method: 'POST', body });
      return { status: response.status, text: await response.text() };
    };
    const hasMail = async () =>
      (await outbox.claim('mail', time.now, time.now, 100)).some(
        ({ event }) => event.type === 'users.password_forgotten' && event.occurredAt === time.now,
      );

    const refused = await mailReset();
    t.match(refused, { status: 429, text: /as many mails.*newest mail.*Try again in 30 minutes\./s });
    t.notMatch(refused.text, /We are sending/);
    t.equal(await hasMail(), false);
    time.now += HALF_AN_HOUR - 1_000;
    t.match((await mailReset()).text, /Try again in a minute\./);
    time.now += 1_000;
    t.match(await mailReset(), { status: 200, text: /We are sending a link/ });
    t.equal(await hasMail(), true);

    const user = await users.findByIdentifier(ann.username);
    const removal = { at: time.now, reason: 'account_deleted' } as const;
    await users.remove(String(user?.id), null, removal, []);
    t.match(await mailReset(), { status: 404, text: /This user has no account here/ });
  },
);

t.test('an undo before the change proves nothing new, and is recorded as a cancelled change', async (t) => {
  const service = await withAnn(t);
  const { request, press, outbox, time, auditLog, users } = service;
  await request('ann@example.org');
  const undo = await newestMail(service, 'undo');
  t.equal((await press('undo', undo.token)).status, 200);
  const { id: userId = '' } = (await users.findByIdentifier('ann')) ?? {};
  const { events } = await auditLog.list({ userId }, { after: null, limit: 100, newestFirst: false });
  const about = events
    .filter(({ type }) => type.startsWith('users.email_'))
    .toSorted((one, other) => (one.type < other.type ? -1 : 1));
  t.match(about, [
    {
      type: 'users.email_change_cancelled',
      origin: { actor: { kind: 'user' }, address: '127.0.0.1' },
      data: {},
    },
    { type: 'users.email_change_requested' },
  ]);
  t.equal(about.length, 2);
  const published = (await outbox.claim('event', time.now, time.now, 100)).map(({ event }) => event.type);
  t.notOk(published.includes('users.email_verified'));
  t.ok(published.includes('sessions.revoked'));
});

t.test('an undo ends every session at once', async (t) => {
  const service = await withAnn(t);
  const { request, me, press, revoked } = service;
  await request('thief@example.org');
  const undo = await newestMail(service, 'undo');
  // This replica reads its own list of revocations, not the database.
  revoked.setComplete(true);
  t.match(await me(), { email: 'ann@example.com' });
  t.equal((await press('undo', undo.token)).status, 200);
  t.match(await me(), { code: 'unauthenticated' });
});

t.test('an undo link expires after a week', async (t) => {
  const service = await withAnn(t);
  await service.request('ann@example.org');
  const { token } = await newestMail(service, 'undo');
  service.time.now += 7 * DAY;
  t.equal((await service.press('undo', token)).status, 403);
});

t.test('an invalid request for a change sends no mail', async (t) => {
  const service = await withAnn(t);
  const { request, post, outbox, time } = service;
  await post('/auth/register', { username: 'bob', email: 'bob@example.com', password: PASSWORD });
  for (const [email, password, status, code] of [
    ['no address', PASSWORD, 400, 'invalid_request'],
    ['ANN@example.com', PASSWORD, 400, 'invalid_request'],
    ['ann@example.org', 'a wrong piano 42', 401, 'invalid_credentials'],
    ['Bob@example.com', PASSWORD, 409, 'conflict'],
  ] as const)
    t.match(await request(email, password), { status, body: { code } }, `${email} ${password}`);
  t.match(await post('/auth/email', { email: 'ann@example.org', password: PASSWORD }), { status: 401 });
  t.same(await outbox.claim('mail', time.now, time.now, 10), []);
});

t.test('an address that another account gets meanwhile is refused, with a page', async (t) => {
  const service = await withAnn(t);
  const { request, press, post, me } = service;
  await request('shared@example.org');
  const { token } = await newestMail(service, 'change');
  await post('/auth/register', { username: 'bob', email: 'shared@example.org', password: PASSWORD });
  const refused = await press('change', token);
  t.equal(refused.status, 409);
  t.match(refused.headers.get('content-type'), /^text\/html/);
  t.match(await me(), { email: 'ann@example.com' });
});

t.test('a former address is not restored if another account has it, and the page says so', async (t) => {
  const service = await withAnn(t);
  const { emailChanges, links, users, post, press, time } = service;
  const user = await users.findByIdentifier('ann');
  if (user === null) throw new Error('ann has no account');
  const stored = {
    hashedToken: links.hashSecret(links.makeAddressSecret('undo')),
    userId: user.id,
    expiresAt: time.now + DAY,
  };
  const change = { ...stored, hashedToken: 'change', purpose: 'change', email: 'ann@example.org' } as const;
  const undo = { ...stored, purpose: 'undo', email: user.email } as const;
  await emailChanges.request({ change, undo }, null, []);
  await emailChanges.apply('change', { at: time.now, reservedUntil: time.now }, []);
  await post('/auth/register', { ...ann, username: 'bob' });
  const refused = await press('undo', links.makeAddressSecret('undo'));
  t.equal(refused.status, 409);
  t.match(await refused.text(), /Another account has this address now.*Nothing has changed/s);
  t.match(await service.me(), { email: 'ann@example.org' }, 'the session lives on');
});

t.test('an account can request three changes a day', async (t) => {
  const service = await withAnn(t);
  const { request, time, post, logInAs } = service;
  for (const n of [1, 2, 3]) t.equal((await request(`ann${n}@example.org`)).status, 202);
  const refused = await request('ann4@example.org');
  t.match(refused, { status: 429, body: { code: 'too_many_requests' } });
  t.equal(refused.headers.get('ratelimit-policy'), '"email-changes";q=3;w=86400');
  time.now += DAY;
  const bearer = { authorization: `Bearer ${await logInAs()}` };
  const again = { email: 'ann4@example.org', password: PASSWORD };
  t.equal((await post('/auth/email', again, bearer)).status, 202, 'and the next day again');
});

t.test('several accounts together can send three links a day to one address', async (t) => {
  const service = await withAnn(t);
  const { post } = service;
  const requestBy = async (username: string) => {
    await post('/auth/register', { username, email: `${username}@example.com`, password: PASSWORD });
    const bearer = { authorization: `Bearer ${await service.logInAs(username)}` };
    return post('/auth/email', { email: 'Stranger@example.org', password: PASSWORD }, bearer);
  };
  for (const username of ['one', 'two', 'three']) t.equal((await requestBy(username)).status, 202, username);
  t.match(await requestBy('four'), { status: 429, body: { code: 'too_many_requests' } });
  t.equal((await service.request('other@example.org')).status, 202, 'another address has its own limit');
});

t.test('a reset by mail cancels a change that a thief has requested', async (t) => {
  const service = await withAnn(t);
  const { request, press, post, outbox, links, time, me } = service;
  await request('thief@example.org');
  const { token } = await newestMail(service, 'change');
  await post('/auth/password/forgot', { email: ann.email });
  for (;;) {
    const mails = await outbox.claim('mail', time.now, time.now, 100);
    const reset = mails.map(({ event }) => event).find(({ type }) => type === 'users.password_forgotten');
    if (reset?.type !== 'users.password_forgotten') continue;
    const body = { token: links.makeResetSecret(reset.data.resetId), newPassword: 'a green piano 44' };
    t.equal((await post('/auth/password/reset', body)).status, 204);
    break;
  }
  t.equal((await press('change', token)).status, 403);
  t.match(await me(), { code: 'unauthenticated' });
});
