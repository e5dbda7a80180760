import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

const ANN = { username: 'ann', email: 'ann@example.com' };
const DAY = 86_400_000;

async function startWithOperator(t: Test, settings: Parameters<typeof startHttpService>[1] = {}) {
  const service = await startHttpService(t, { emailVerification: 'required', ...settings });
  const { send, post, adminKey, outbox, auditLog } = service;
  const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' };
  async function auditEventsOf(userId: string) {
    const page = { after: null, limit: 100, newestFirst: false };
    return (await auditLog.list({ userId }, page)).events.map(({ type, origin, data }) => ({
      type,
      actor: origin.actor,
      data,
    }));
  }
  return {
    ...service,
    create: (body: object) => post('/admin/users', body, { 'x-api-key': adminKey }),
    change: (id: string, body: object) =>
      send(`/admin/users/${id}`, { method: 'PATCH', headers, body: JSON.stringify(body) }),
    /** Returns only the status, because a refusal of this route is a page. */
    async reset(token: string, newPassword = PASSWORD) {
      const body = JSON.stringify({ token, newPassword });
      const json = { 'content-type': 'application/json' };
      return (await fetch(`${service.url}/auth/password/reset`, { method: 'POST', headers: json, body }))
        .status;
    },
    logIn: (password = PASSWORD, username = 'ann') => post('/auth/login', { username, password }),
    async claimEvents(kind: 'mail' | 'event') {
      const entries = await outbox.claim(kind, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100);
      return entries.map(({ event }) => event);
    },
    auditEventsOf,
    actorOf: async (userId: string, wanted: string) =>
      (await auditEventsOf(userId)).find(({ type }) => type === wanted)?.actor,
  };
}

type Operated = Awaited<ReturnType<typeof startWithOperator>>;

async function invitationIn({ claimEvents, links }: Operated): Promise<string> {
  const mail = (await claimEvents('mail')).find(({ type }) => type === 'users.invited');
  if (mail?.type !== 'users.invited') throw new Error('no invitation was mailed');
  return links.makeResetSecret(mail.data.resetId);
}

const OPERATOR_KEY = { kind: 'service_key', name: 'operator' };

t.test(
  'an account without a password is invited, and the link sets a password and verifies the address',
  async (t) => {
    const service = await startWithOperator(t);
    const { status, body, headers } = await service.create({ ...ANN, email: 'ann@B\u00fccher.example' });
    t.equal(status, 201);
    const id = String(body.id);
    t.equal(headers.get('location'), `/admin/users/${id}`);
    t.match(body, { username: 'ann', email: 'ann@b\u00fccher.example', emailVerified: false, sessions: 0 });
    t.equal((await service.logIn('none')).status, 401, 'no password matches');
    const token = await invitationIn(service);
    service.time.now += 7 * DAY - 1_000;
    t.equal(await service.reset(token, 'password'), 400, 'a common password');
    t.equal(await service.reset(token), 204);
    t.equal((await service.logIn()).status, 200, 'the address is proved');
    t.equal(await service.reset(token), 403);
    const events = (await service.claimEvents('event')).filter(({ data }) => data.userId === id);
    t.match(
      events.map(({ type }) => type),
      ['users.created', 'users.email_verified', 'users.password_changed'],
    );
    for (const type of ['users.created', 'users.invited'])
      t.same(await service.actorOf(id, type), OPERATOR_KEY, type);
    t.notMatch(JSON.stringify(await service.auditEventsOf(id)), /resetId|example/);
    t.ok(
      service.lines.some((line) => line.includes('user_created') && line.includes('service_key operator')),
    );
  },
);

t.test('without mails an account is created only with a password', async (t) => {
  const { create } = await startWithOperator(t, { sendsMails: false });
  t.match(await create(ANN), {
    status: 400,
    body: { detail: /sends no mails, so the account needs a password/ },
  });
  t.match(await create({ ...ANN, password: PASSWORD }), { status: 201 });
});

t.test('an invitation ends after seven days, and the user can then request another link', async (t) => {
  const service = await startWithOperator(t);
  await service.create(ANN);
  const token = await invitationIn(service);
  service.time.now += 7 * DAY + 1_000;
  t.equal(await service.reset(token), 403);
  await service.post('/auth/password/forgot', { email: ANN.email });
  t.same((await service.claimEvents('mail')).map(({ type }) => type).sort(), [
    'users.invited',
    'users.password_forgotten',
  ]);
});

t.test(
  'an operator sets a password, and marks an address as verified or has a link mailed to it',
  async (t) => {
    const service = await startWithOperator(t);
    const { body } = await service.create({ ...ANN, password: PASSWORD, emailVerified: true });
    t.equal(body.emailVerified, true);
    t.equal((await service.logIn()).status, 200);
    t.same(await service.claimEvents('mail'), []);
    const bob = { username: 'bob', email: 'bob@example.com', password: PASSWORD };
    const id = String((await service.create(bob)).body.id);
    t.equal((await service.logIn(PASSWORD, 'bob')).body.code, 'email_unverified');
    const [mail] = await service.claimEvents('mail');
    if (mail?.type !== 'users.email_verification_requested') throw new Error('no link was mailed');
    t.same(Object.keys(mail.data).sort(), ['byOperator', 'email', 'linkId', 'userId']);
    await fetch(`${service.url}/auth/email/verify`, {
      method: 'POST',
      body: new URLSearchParams({ token: service.links.makeAddressSecret(mail.data.linkId) }),
    });
    t.equal((await service.logIn(PASSWORD, 'bob')).status, 200);
    for (const type of ['users.created', 'users.email_verification_requested'])
      t.same(await service.actorOf(id, type), OPERATOR_KEY, type);
  },
);

t.test('accounts that operators create follow the rules of all accounts', async (t) => {
  const service = await startWithOperator(t);
  await service.create({ ...ANN, password: PASSWORD });
  const refused: [object, number, string][] = [
    [{ ...ANN, email: 'other@example.com' }, 409, 'conflict'],
    [{ username: 'other', email: 'ANN@example.com' }, 409, 'conflict'],
    [{ username: 'other', email: 'ANN@example.com', password: PASSWORD }, 409, 'conflict'],
    [{ username: 'b\u0430d', email: 'bad@example.com' }, 400, 'invalid_request'],
    [{ username: 'who@example.com', email: 'bad@example.com' }, 400, 'invalid_request'],
    [{ username: 'bad', email: 'bad' }, 400, 'invalid_request'],
    [{ username: 'bad', email: 'bad@example.com', password: 'password' }, 400, 'invalid_request'],
    [{ username: 'badger', email: 'bad@example.com', password: 'my badger 1' }, 400, 'invalid_request'],
    [{ username: 'bad', email: 'bad@example.com', roles: ['operator'] }, 400, 'invalid_request'],
    [{ username: 'bad' }, 400, 'invalid_request'],
  ];
  for (const [body, status, code] of refused)
    t.match(await service.create(body), { status, body: { code } }, JSON.stringify(body));
  t.equal((await service.claimEvents('event')).length, 1, 'no other account was created');
  const breached = await startWithOperator(t, { isBreachedPassword: async () => true });
  t.match(await breached.create({ ...ANN, password: PASSWORD }), { status: 400 });
  t.equal((await service.post('/admin/users', ANN)).status, 401);
});

t.test('invitations to one address are limited, and a refused invitation does not count', async (t) => {
  const service = await startWithOperator(t);
  const id = String((await service.create({ ...ANN, password: PASSWORD })).body.id);
  for (let count = 0; count < 5; count += 1) t.equal((await service.create(ANN)).status, 409);
  const remove = (userId: string) =>
    service.send(`/admin/users/${userId}`, { method: 'DELETE', headers: { 'x-api-key': service.adminKey } });
  await remove(id);
  for (let count = 0; count < 3; count += 1) await remove(String((await service.create(ANN)).body.id));
  const refused = await service.create(ANN);
  t.match(refused, { status: 429, body: { code: 'too_many_requests' } });
  t.match(refused.headers.get('ratelimit-policy'), /"reset-mails"/);
});

t.test('an operator changes the name of an account', async (t) => {
  const service = await startWithOperator(t);
  const id = String((await service.create({ ...ANN, password: PASSWORD, emailVerified: true })).body.id);
  await service.create({ username: 'bob', email: 'bob@example.com', password: PASSWORD });
  await service.claimEvents('event');
  t.match(await service.change(id.toUpperCase(), { username: 'anna' }), {
    status: 200,
    body: { username: 'anna', emailVerified: true },
  });
  t.equal((await service.logIn()).status, 401);
  t.equal((await service.logIn(PASSWORD, 'anna')).status, 200);
  t.equal((await service.create(ANN)).status, 409, 'the address has not changed');
  t.equal(
    (await service.create({ username: 'ann', email: 'new@example.com' })).status,
    201,
    'the name is free',
  );
  for (const [body, status] of [
    [{ username: 'BOB' }, 409],
    [{ username: 'bob@example.com' }, 400],
    [{ username: 'a b' }, 400],
    [{}, 400],
    [{ password: PASSWORD }, 400],
    [{ roles: ['operator'] }, 400],
  ] as const)
    t.equal((await service.change(id, body)).status, status, JSON.stringify(body));
  t.equal((await service.change(randomUUID(), { username: 'x' })).status, 404);
  const [changed] = (await service.claimEvents('event')).filter(
    ({ type }) => type === 'users.username_changed',
  );
  t.same(changed?.data, { userId: id, byOperator: true, username: 'anna' });
  t.same(await service.actorOf(id, 'users.username_changed'), OPERATOR_KEY);
});

t.test(
  'after an operator’s change of an address earlier links are void, and the former address gets a mail',
  async (t) => {
    const service = await startWithOperator(t);
    const id = String((await service.create(ANN)).body.id);
    const token = await invitationIn(service);
    const changed = await service.change(id, { email: 'ann@example.org' });
    t.match(changed.body, { email: 'ann@example.org', emailVerified: false, username: 'ann' });
    t.equal(await service.reset(token), 403);
    const mails = await service.claimEvents('mail');
    const mailTo = (wanted: string) => mails.find(({ type }) => type === wanted)?.data;
    t.match(mailTo('users.email_replaced'), { email: 'ann@example.com' });
    t.match(mailTo('users.email_verification_requested'), { email: 'ann@example.org' });
    t.equal(
      (await service.create({ username: 'next', email: ANN.email })).status,
      201,
      'the address is free',
    );
    const [event] = (await service.claimEvents('event')).filter(({ type }) => type === 'users.email_changed');
    t.same(event?.data, { userId: id, byOperator: true, undone: false, emailVerified: false });
    t.notMatch(JSON.stringify(await service.auditEventsOf(id)), /example\.(com|org)/);
  },
);

t.test('after a change of its address a verified account must verify the new one', async (t) => {
  const service = await startWithOperator(t);
  const { body } = await service.create({ ...ANN, password: PASSWORD, emailVerified: true });
  const id = String(body.id);
  t.match((await service.change(id, { email: 'ann@example.org' })).body, { emailVerified: false });
  t.equal((await service.logIn()).body.code, 'email_unverified');
  const vouched = { email: 'ann@example.net', emailVerified: true };
  t.match((await service.change(id, vouched)).body, { emailVerified: true });
  t.equal((await service.logIn()).status, 200);
});

t.test('a user name that equals the address changes with the address', async (t) => {
  const service = await startWithOperator(t);
  const named = { username: 'ann@example.com', email: 'ann@example.com', password: PASSWORD };
  const id = String((await service.create(named)).body.id);
  const { body } = await service.change(id, { email: 'ann@example.org', emailVerified: true });
  t.match(body, { username: 'ann@example.org', email: 'ann@example.org', emailVerified: true });
  t.equal((await service.logIn(PASSWORD, 'ann@example.org')).status, 200);
  t.equal((await service.create(ANN)).status, 201);
});

t.test('an operator can mark an address as verified or unverified', async (t) => {
  const service = await startWithOperator(t);
  const id = String((await service.create({ ...ANN, password: PASSWORD })).body.id);
  t.equal((await service.change(id, { emailVerified: true })).body.emailVerified, true);
  t.equal((await service.logIn()).status, 200);
  t.equal((await service.change(id, { emailVerified: true })).status, 200, 'and nothing is recorded');
  t.equal(
    (await service.change(id, { email: 'ANN@example.com' })).body.emailVerified,
    true,
    'the same mailbox',
  );
  t.equal((await service.change(id, { emailVerified: false })).body.emailVerified, false);
  t.equal((await service.logIn()).body.code, 'email_unverified');
  const types = (await service.claimEvents('event')).map(({ type }) => type);
  t.same(
    types.filter((type) => type.startsWith('users.email_')),
    ['users.email_verified', 'users.email_changed', 'users.email_unverified'],
  );
});

t.test('an address that another account keeps reserved is refused', async (t) => {
  const service = await startWithOperator(t, { emailVerification: 'off' });
  const { post, links, claimEvents } = service;
  const id = String((await service.create({ ...ANN, password: PASSWORD, emailVerified: true })).body.id);
  const bob = String(
    (await service.create({ username: 'bob', email: 'bob@example.com', password: PASSWORD })).body.id,
  );
  const { access } = (await service.logIn()).body;
  const bearer = { authorization: `Bearer ${access}` };
  await post('/auth/email', { email: 'ann@example.org', password: PASSWORD }, bearer);
  const mails = await claimEvents('mail');
  for (const mail of mails)
    if (mail.type === 'users.email_change_requested')
      await fetch(`${service.url}/auth/email/change`, {
        method: 'POST',
        body: new URLSearchParams({ token: links.makeAddressSecret(mail.data.linkId) }),
      });
  t.equal((await service.change(bob, { email: ANN.email })).body.code, 'conflict');
  t.equal((await service.create({ username: 'next', email: ANN.email })).body.code, 'conflict');
  t.equal((await service.change(id, { email: 'ann@example.net' })).status, 200);
  t.equal(
    (await service.change(bob, { email: ANN.email })).status,
    200,
    'a change that cannot be undone frees the address',
  );
  const undo = mails.find(({ type }) => type === 'users.email_change_announced');
  if (undo === undefined || !('linkId' in undo.data)) throw new Error('no undo link was mailed');
  const link = `${service.url}/auth/email/undo?token=${links.makeAddressSecret(undo.data.linkId)}`;
  t.equal((await fetch(link)).status, 403);
});

t.test('a change is answered with 503 if the account keeps changing meanwhile', async (t) => {
  const service = await startWithOperator(t);
  const id = String((await service.create({ ...ANN, password: PASSWORD })).body.id);
  service.users.change = async () => 'outdated';
  t.match(await service.change(id, { username: 'anna' }), { status: 503, body: { code: 'unavailable' } });
});
