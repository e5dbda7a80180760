import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { RESOURCE_KEY, SERVICE_KEY, startHttpService } from '../support/http.ts';
import { basic, postForm } from '../support/oauth.ts';
import { PASSWORD } from '../support/passwords.ts';

/** A user without an account. A trusted backend logs the user in. */
async function withBackend(t: Test) {
  const service = await startHttpService(t);
  const { post, send, adminKey } = service;
  const userId = randomUUID();
  const asOperator = (method: string, path: string, body?: unknown, key = adminKey) =>
    send(path, {
      method,
      headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const open = (body?: unknown, query = '') =>
    post(`/auth/login?userId=${userId}${query}`, body, { 'x-api-key': SERVICE_KEY });
  const setClaims = (claims: unknown, id = userId) =>
    asOperator('PUT', `/admin/users/${id}/claims`, { claims });
  const next = ({ access: accessToken, refresh: refreshToken }: Record<string, unknown>, headers = {}) =>
    post('/auth/refresh', { accessToken, refreshToken }, headers);
  const introspect = async (token: unknown) =>
    (await postForm(service, '/oauth/introspect', { token: String(token) }, basic('resource', RESOURCE_KEY)))
      .body;
  return { ...service, userId, asOperator, open, setClaims, next, introspect };
}

const inToken = ({ access }: Record<string, unknown>) => claimsOf(String(access));

t.test('access tokens carry the claims of the login and of the user', async (t) => {
  const { open, setClaims, next, introspect } = await withBackend(t);
  t.equal((await setClaims({ plan: 'paid', team: { id: 7 } })).status, 204);
  const { body: first } = await open({ claims: { plan: 'trial' } });
  t.match(inToken(first), { plan: 'trial', team: { id: 7 } });
  t.match(await introspect(first.access), { active: true, plan: 'trial', team: { id: 7 } });
  t.match(await introspect(first.refresh), { active: true, plan: 'trial' });
  t.notOk('plan' in claimsOf(String(first.refresh)), 'the refresh token has no claims of users');

  await setClaims({ team: { id: 8 } });
  t.match(await introspect(first.access), { team: { id: 7 } }, 'a token has the claims of its issue');
  const { body: second } = await next(first);
  t.match(inToken(second), { plan: 'trial', team: { id: 8 } });
});

t.test('a retry gets the claims of the pair that it repeats', async (t) => {
  const { open, setClaims, next } = await withBackend(t);
  const { body: first } = await open({ claims: { plan: 'trial' } });
  const key = { 'idempotency-key': 'one' };
  const { body: second } = await next(first, key);
  await setClaims({ team: 'red' });
  const { body: again } = await next(first, key);
  t.equal(again.access, second.access);
  const { body: third } = await next(second);
  t.match(inToken(third), { plan: 'trial', team: 'red' });
});

t.test('an operator changes the claims and the device of a session', async (t) => {
  const { open, setClaims, next, asOperator, userId } = await withBackend(t);
  await setClaims({ team: 'red' });
  const { body: first } = await open(
    { claims: { plan: 'trial' } },
    `&device=${encodeURIComponent('Ann’s phone 📱')}`,
  );
  const { sid } = inToken(first);
  const path = `/admin/sessions/${sid}`;
  const list = async () => (await asOperator('GET', `/admin/sessions?userId=${userId}`)).body.items;
  t.match(await list(), [{ deviceName: 'Ann’s phone 📱', claims: { plan: 'trial' } }]);
  const changed = await asOperator('PATCH', path, { claims: { plan: 'paid' } });
  t.match(changed, {
    status: 200,
    body: { id: sid, deviceName: 'Ann’s phone 📱', claims: { plan: 'paid' } },
  });
  await asOperator('PATCH', path.toUpperCase().replace('/ADMIN/SESSIONS', '/admin/sessions'), {
    deviceName: null,
  });
  const [item] = (await list()) as Record<string, unknown>[];
  t.ok(item && !('deviceName' in item));
  t.match(inToken((await next(first)).body), { plan: 'paid', team: 'red' });

  t.match(await asOperator('PATCH', path, {}), { status: 400 });
  t.match(await asOperator('PATCH', `/admin/sessions/${randomUUID()}`, { deviceName: 'tv' }), {
    status: 404,
  });
  await asOperator('DELETE', path);
  t.match(
    await asOperator('PATCH', path, { deviceName: 'tv' }),
    { status: 404 },
    'an ended session cannot be changed',
  );
});

t.test('users see the names of their devices', async (t) => {
  const { open, send } = await withBackend(t);
  const { body } = await open({}, '&device=phone');
  const headers = { authorization: `Bearer ${body.access}` };
  t.match((await send('/auth/sessions', { headers })).body.items, [{ deviceName: 'phone' }]);
});

t.test('claims that the service sets, too large ones and too deep ones are refused', async (t) => {
  const { open, setClaims, asOperator, userId, families } = await withBackend(t);
  const bad: Record<string, unknown> = {
    'a registered name': { sub: randomUUID() },
    'a name of a token': { sid: randomUUID() },
    'a name of introspection': { active: true },
    'too deep': { a: { b: { c: {} } } },
    NUL: { a: '\0' },
    'an unpaired surrogate': { '\ud800': 1 },
    'a list': ['a'],
    text: 'a',
    null: null,
    'too many': Object.fromEntries(Array.from({ length: 129 }, (_, index) => [index, 1])),
  };
  const refused = { status: 400, body: { code: 'invalid_request' } };
  const { sid } = inToken((await open()).body);
  for (const [name, claims] of Object.entries(bad)) {
    t.match(await open({ claims }), refused, `login, ${name}`);
    t.match(await setClaims(claims), refused, `user, ${name}`);
    t.match(await asOperator('PATCH', `/admin/sessions/${sid}`, { claims }), refused, `session, ${name}`);
  }
  t.match(await open({ claims: { a: 'x'.repeat(600) } }), refused);
  t.match(await asOperator('PATCH', `/admin/sessions/${sid}`, { claims: { a: 'x'.repeat(600) } }), refused);
  t.match(await setClaims({ a: 'x'.repeat(1_100) }), refused);
  t.equal((await setClaims({ a: 'x'.repeat(600) })).status, 204, 'a user may have more than a session');
  t.equal((await families.list(userId, { now: 0, limit: 10, after: null })).length, 1);
});

t.test('the largest claims fit into an access token of 4 KiB', async (t) => {
  const { open, setClaims } = await withBackend(t);
  t.equal((await setClaims({ user: 'x'.repeat(1_024 - 11) })).status, 204);
  const { body } = await open({ claims: { session: 'x'.repeat(512 - 14) } });
  const { length } = String(body.access);
  t.ok(length > 2_500 && length < 3_800, `${length} characters`);
});

t.test('only a login by user id may set claims and the name of the device', async (t) => {
  const { post } = await withBackend(t);
  const account = { username: 'ann', password: PASSWORD };
  await post('/auth/register', { ...account, email: 'ann@example.com' });
  const refused = { status: 400, body: { code: 'invalid_request', detail: /only together with userId/ } };
  t.match(await post('/auth/login', { ...account, claims: { admin: true } }), refused);
  t.match(await post('/auth/login?device=phone', account), refused);
});

t.test(
  'the name of a device may contain no control character and no character that changes the direction',
  async (t) => {
    const { open } = await withBackend(t);
    for (const name of ['', 'a\nb', 'a\0', 'a\u202eb', 'a\u2066b', 'a\u200fb', 'a\u061cb', 'x'.repeat(65)])
      t.match(await open({}, `&device=${encodeURIComponent(name)}`), { status: 400 }, JSON.stringify(name));
    t.match(await open({}, `&device=${encodeURIComponent('📱'.repeat(64))}`), { status: 200 });
  },
);

t.test(
  'a change of claims causes one event and one audit entry, which have only the names of the claims',
  async (t) => {
    const { open, setClaims, asOperator, outbox, userId, lines, time } = await withBackend(t);
    await setClaims({ plan: 'secret plan', team: 'red' });
    await setClaims({ team: 'red', plan: 'secret plan' });
    time.now += 1_000;
    const { sid } = inToken((await open()).body);
    time.now += 1_000;
    await asOperator('PATCH', `/admin/sessions/${sid}`, {
      claims: { seat: 'secret seat' },
      deviceName: 'tv',
    });
    const { body } = await asOperator('GET', `/admin/audit?user=${userId}`);
    const actor = { kind: 'service_key', name: 'operator' };
    t.match(body.data, [
      { type: 'users.claims_changed', actor, data: { claimNames: ['plan', 'team'] } },
      { type: 'sessions.started' },
      {
        type: 'sessions.changed',
        sessionId: sid,
        actor,
        data: { changed: ['claims', 'deviceName'], claimNames: ['seat'] },
      },
    ]);
    t.equal((body.data as unknown[]).length, 3);
    const events = await outbox.claim('event', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100);
    t.same(events.map(({ event }) => event.type).sort(), [
      'sessions.changed',
      'sessions.started',
      'users.claims_changed',
    ]);
    t.notMatch(JSON.stringify([body, events, lines]), /secret/);
    t.ok(lines.some((line) => line.includes('user_claims_changed')));
  },
);

t.test(
  'a change of a session that changes nothing is answered with the session and not recorded',
  async (t) => {
    const { open, asOperator, userId, lines } = await withBackend(t);
    const { sid } = inToken((await open({ claims: { plan: 'trial', seat: 4 } }, '&device=tv')).body);
    const change = (body: unknown) => asOperator('PATCH', `/admin/sessions/${sid}`, body);
    const same = { claims: { seat: 4, plan: 'trial' }, deviceName: 'tv' };
    t.match(await change(same), { status: 200, body: same });
    t.match(await change({ deviceName: 'tv' }), { status: 200, body: same });
    t.notOk(lines.some((line) => line.includes('session_changed')));
    t.match(await change({ ...same, deviceName: 'phone' }), { status: 200, body: { deviceName: 'phone' } });
    const answers = await Promise.all([1, 2, 3].map(() => change({ deviceName: null })));
    t.same(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
    const { body } = await asOperator('GET', `/admin/audit?user=${userId}&type=sessions.changed`);
    t.match(body.data, [{ data: { changed: ['deviceName'] } }, { data: { changed: ['deviceName'] } }]);
    t.equal((body.data as unknown[]).length, 2);
  },
);

t.test('only a key with scope admin reads and changes claims', async (t) => {
  const { asOperator, loginKey, userId } = await withBackend(t);
  const path = `/admin/users/${userId}/claims`;
  const claims = { team: 'red' };
  t.same((await asOperator('GET', path)).body, { claims: {} });
  for (const [key, status] of [
    ['wrong', 401],
    [loginKey, 403],
  ] as const) {
    t.equal((await asOperator('GET', path, undefined, key)).status, status);
    t.equal((await asOperator('PUT', path, { claims }, key)).status, status);
  }
  t.same((await asOperator('GET', path)).body, { claims: {} });
});
