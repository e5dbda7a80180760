import t from 'tap';
import { bearer, type SessionTokens, tokensIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { PASSWORD, passwordHasher } from '../support/passwords.ts';

const ann = { username: 'Ann', email: 'ann@example.com', password: PASSWORD };

const logIn = async ({ post }: HttpService, password = PASSWORD, username = 'ann') => {
  const answer = await post('/auth/login', { username, password });
  if (answer.status !== 200) throw new Error(String(answer.body.code));
  return tokensIn(answer.body);
};

const get = ({ send }: HttpService, path: string, pair: SessionTokens) =>
  send(path, { headers: bearer(pair) });

const refresh = ({ post }: HttpService, { refresh: refreshToken, access: accessToken }: SessionTokens) =>
  post('/auth/refresh', { refreshToken, accessToken });

async function mailTo(service: HttpService, type: string): Promise<Record<string, unknown>> {
  const entries = await service.outbox.claim('mail', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100);
  const found = entries.find(({ event }) => event.type === type);
  return found === undefined ? {} : { ...found.event.data, contact: found.contact };
}

t.test('an account registers, uses two devices, changes its password and is deleted', async (t) => {
  const service = await startHttpService(t);
  const { post, send } = service;
  const registered = await post('/auth/register', ann);
  t.match(registered, { status: 201, body: { username: 'Ann', email: 'ann@example.com' } });
  t.same(Object.keys(registered.body).sort(), ['email', 'id', 'username']);

  const laptop = await logIn(service);
  const phone = await logIn(service, PASSWORD, 'ANN@example.com');
  t.match(await get(service, '/auth/me', laptop), {
    status: 200,
    body: { userId: registered.body.id, sessionId: claimsOf(laptop.access).sid, username: 'Ann' },
  });
  const { body: list } = await get(service, '/auth/sessions', laptop);
  const items = list.items as { id: string; current: boolean; userAgent: string }[];
  t.equal(items.length, 2);
  t.same(
    items.filter(({ current }) => current).map(({ id }) => id),
    [claimsOf(laptop.access).sid],
  );

  const [laptop2, phone2] = [await refresh(service, laptop), await refresh(service, phone)];
  t.same([laptop2.status, phone2.status], [200, 200]);
  const onLaptop = tokensIn(laptop2.body);
  const onPhone = tokensIn(phone2.body);

  const change = { currentPassword: PASSWORD, newPassword: 'a yellow piano 43' };
  t.equal((await post('/auth/password', change, bearer(onLaptop))).status, 204);
  t.equal(
    (await get(service, '/auth/me', onPhone)).body.code,
    'unauthenticated',
    'the other session is refused at once',
  );
  t.equal((await refresh(service, onPhone)).body.code, 'session_revoked');
  t.equal((await get(service, '/auth/me', onLaptop)).status, 200, 'this session is not refused');
  t.match(await mailTo(service, 'users.password_changed'), { contact: 'ann@example.com' });
  t.match(await post('/auth/login', { username: 'ann', password: PASSWORD }), {
    status: 401,
    body: { code: 'invalid_credentials' },
  });

  const last = await logIn(service, 'a yellow piano 43');
  const remove = (password: string) =>
    send('/auth/me', {
      method: 'DELETE',
      headers: { ...bearer(last), 'content-type': 'application/json' },
      body: JSON.stringify({ password }),
    });
  t.equal((await remove('wrong')).body.code, 'invalid_credentials');
  t.equal((await remove('a yellow piano 43')).status, 204);
  for (const pair of [last, onLaptop]) t.equal((await get(service, '/auth/me', pair)).status, 401);
  t.equal((await post('/auth/login', { username: 'ann', password: 'a yellow piano 43' })).status, 401);
  t.equal((await post('/auth/register', ann)).status, 201, 'the name is free again');
});

t.test('invalid registrations are refused', async (t) => {
  const { post } = await startHttpService(t);
  t.equal((await post('/auth/register', ann)).status, 201);
  const cases: [string, object, number, string][] = [
    ['taken', { username: 'ANN', email: 'other@example.com' }, 409, 'conflict'],
    ['address taken', { username: 'other', email: 'ANN@example.com' }, 409, 'conflict'],
    [
      'the address of another user as a name',
      { username: 'eve@example.com', email: 'eve2@example.com' },
      400,
      'invalid_request',
    ],
    ['no address', { username: 'bob', email: 'bob' }, 400, 'invalid_request'],
    ['two addresses', { username: 'bob', email: 'bob@example.com,eve@example.com' }, 400, 'invalid_request'],
    [
      'a header',
      { username: 'bob', email: 'bob@example.com\r\nBcc: eve@example.com' },
      400,
      'invalid_request',
    ],
    ['no name', { username: '', email: 'bob@example.com' }, 400, 'invalid_request'],
    ['a long name', { username: 'b'.repeat(151), email: 'bob@example.com' }, 400, 'invalid_request'],
    ['a name with spaces', { username: 'bob the builder', email: 'bob@example.com' }, 400, 'invalid_request'],
    ['NUL', { username: 'bob\u0000', email: 'bob@example.com' }, 400, 'invalid_request'],
    ['half a character', { username: 'bob\ud800', email: 'bob@example.com' }, 400, 'invalid_request'],
    ['a role', { username: 'bob', email: 'bob@example.com', role: 'admin' }, 400, 'invalid_request'],
    ['an id', { username: 'bob', email: 'bob@example.com', id: '1' }, 400, 'invalid_request'],
    ['a number', { username: 42, email: 'bob@example.com' }, 400, 'invalid_request'],
  ];
  for (const [name, values, status, code] of cases) {
    const answer = await post('/auth/register', { password: PASSWORD, ...values });
    t.match(answer, { status, body: { code } }, name);
  }
});

t.test('a user lists and ends only their own sessions', async (t) => {
  const service = await startHttpService(t);
  const { post, send } = service;
  await post('/auth/register', ann);
  await post('/auth/register', { username: 'bob', email: 'bob@example.com', password: PASSWORD });
  const [first, second, third] = [await logIn(service), await logIn(service), await logIn(service)];
  const bobs = await logIn(service, PASSWORD, 'bob');
  const idOf = (pair: SessionTokens) => String(claimsOf(pair.access).sid);
  const end = (id: string, pair: SessionTokens) =>
    send(`/auth/sessions/${id}`, { method: 'DELETE', headers: bearer(pair) });

  t.equal((await end(idOf(bobs), first)).status, 404, 'the session of another user is not found');
  t.equal((await get(service, '/auth/me', bobs)).status, 200);
  t.equal((await end('42', first)).status, 400);
  t.equal((await end(idOf(second), first)).status, 204);
  t.equal((await end(idOf(second), first)).status, 404);
  t.equal((await get(service, '/auth/me', second)).status, 401);

  const page = await get(service, '/auth/sessions?limit=1', first);
  t.equal((page.body.items as object[]).length, 1);
  const next = await get(service, `/auth/sessions?limit=1&cursor=${page.body.nextCursor}`, first);
  t.equal((next.body.items as object[]).length, 1);
  t.notOk('nextCursor' in next.body);
  for (const query of [
    'limit=0',
    'limit=101',
    'limit=1e9',
    'limit=1e400',
    'limit=-1',
    'limit=1&limit=2',
    'cursor=x',
    "cursor='",
  ]) {
    t.equal((await get(service, `/auth/sessions?${query}`, first)).status, 400, query);
  }

  t.equal((await post('/auth/logout?scope=others', undefined, bearer(third))).status, 204);
  t.equal((await get(service, '/auth/me', first)).status, 401);
  t.equal((await post('/auth/logout', undefined, bearer(third))).status, 204);
  t.equal((await get(service, '/auth/me', third)).status, 401);
  t.equal((await get(service, '/auth/me', bobs)).status, 200, 'sessions of other users are not ended');
});

t.test('a refresh token that was rotated before can still end its session', async (t) => {
  const service = await startHttpService(t);
  const { post } = service;
  await post('/auth/register', ann);
  const old = await logIn(service);
  const current = tokensIn((await refresh(service, old)).body);
  const other = await logIn(service);
  t.equal((await post('/auth/logout', { refreshToken: 'x' })).body.code, 'malformed_token');
  t.equal((await post('/auth/logout')).body.code, 'unauthenticated');
  t.equal((await post('/auth/logout?scope=everything', undefined, bearer(other))).status, 400);
  t.equal((await post('/auth/logout', { refreshToken: old.refresh })).status, 204);
  t.equal((await refresh(service, current)).body.code, 'session_revoked');
  t.equal((await get(service, '/auth/me', other)).status, 200);
  t.equal((await post('/auth/logout?scope=all', { refreshToken: other.refresh })).status, 204);
  t.equal((await get(service, '/auth/me', other)).status, 401);
});

t.test('a reset link sets a new password', async (t) => {
  const service = await startHttpService(t);
  const { post } = service;
  await post('/auth/register', ann);
  const session = await logIn(service);
  const known = await post('/auth/password/forgot', { email: 'ANN@example.com' });
  const unknown = await post('/auth/password/forgot', { email: 'nobody@example.com' });
  t.same([known.status, known.body], [unknown.status, unknown.body]);
  t.equal(known.status, 202);
  const { resetId, contact } = await mailTo(service, 'users.password_forgotten');
  t.equal(contact, 'ann@example.com');
  const token = service.links.makeResetSecret(String(resetId));

  const page = await fetch(`${service.url}/auth/password/reset?token=${token}`);
  t.match(page.headers.get('content-type'), /^text\/html/);
  t.equal(page.headers.get('referrer-policy'), 'no-referrer');
  t.equal(page.headers.get('cache-control'), 'no-store');
  t.match(await page.text(), /<form method="post"/);

  const form = (fields: Record<string, string>) =>
    fetch(`${service.url}/auth/password/reset`, { method: 'POST', body: new URLSearchParams(fields) });
  t.equal((await form({ token, newPassword: 'short' })).status, 400);
  t.equal((await form({ token: 'guess', newPassword: 'a green piano 44' })).status, 403);
  const done = await form({ token, newPassword: 'a green piano 44' });
  t.equal(done.status, 200);
  t.match(await done.text(), /has been set/);
  t.equal((await form({ token, newPassword: 'a green piano 45' })).status, 403, 'once');
  t.equal((await get(service, '/auth/me', session)).status, 401, 'every session has ended');
  t.ok(await logIn(service, 'a green piano 44'));
  t.equal(
    (
      await fetch(`${service.url}/auth/password/reset`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token, newPassword: 'a green piano 46' }),
      })
    ).status,
    403,
  );
});

t.test('a reset link is valid for an hour', async (t) => {
  const service = await startHttpService(t);
  const { post, time, links } = service;
  await post('/auth/register', ann);
  await post('/auth/password/forgot', { email: ann.email });
  const token = links.makeResetSecret(String((await mailTo(service, 'users.password_forgotten')).resetId));
  const page = () => fetch(`${service.url}/auth/password/reset?token=${token}`);
  time.now += 3_600_000 - 1;
  t.equal((await page()).status, 200);
  time.now += 1;
  t.equal((await page()).status, 403);
  const body = new URLSearchParams({ token, newPassword: 'a green piano 44' });
  t.equal((await fetch(`${service.url}/auth/password/reset`, { method: 'POST', body })).status, 403);
});

t.test('the right password in a request does not count as a failed attempt', async (t) => {
  const service = await startHttpService(t);
  await service.post('/auth/register', ann);
  const session = await logIn(service);
  const change = { currentPassword: PASSWORD, newPassword: PASSWORD };
  for (let n = 0; n < 10; n += 1)
    t.equal((await service.post('/auth/password', change, bearer(session))).status, 204);
});

t.test('“it was not me”: the link shows a page, and the button ends only that session', async (t) => {
  const service = await startHttpService(t);
  const { post } = service;
  await post('/auth/register', ann);
  const [victim, other] = [await logIn(service), await logIn(service)];
  const { sid, sub } = claimsOf(victim.access) as { sid: string; sub: string };
  const later = service.time.now + 1000;
  const token = service.links.makeNotMeToken(sid, sub, later);
  const url = `${service.url}/auth/not-me`;

  const page = await fetch(`${url}?token=${token}`);
  t.equal(page.status, 200);
  t.match(await page.text(), /<button>/);
  t.match(page.headers.get('content-security-policy'), /frame-ancestors 'none'/);
  t.equal((await get(service, '/auth/me', victim)).status, 200, 'the page of the link ends nothing');
  t.equal((await fetch(`${url}?token=${token}`, { method: 'HEAD' })).status, 200);
  t.equal((await get(service, '/auth/me', victim)).status, 200, 'and a HEAD request ends nothing');

  const press = (value: string) =>
    fetch(url, { method: 'POST', body: new URLSearchParams({ token: value }) });
  for (const bad of ['', 'x', `${token}x`, token.replace(sid, String(claimsOf(other.access).sid))]) {
    t.equal((await press(bad)).status, 403, bad.slice(0, 20));
  }
  const html = await (
    await fetch(`${url}?token=${encodeURIComponent('"><script>alert(1)</script>')}`)
  ).text();
  t.notMatch(html, '<script>');
  t.equal((await press(token)).status, 200);
  t.equal((await get(service, '/auth/me', victim)).status, 401);
  t.equal((await get(service, '/auth/me', other)).status, 200);
  service.time.now = later;
  t.equal((await press(token)).status, 403, 'expired');
});

t.test('operators can list and end the sessions of users', async (t) => {
  const service = await startHttpService(t);
  const { post, send, adminKey } = service;
  await post('/auth/register', ann);
  const [first, second] = [await logIn(service), await logIn(service)];
  const { sid, sub } = claimsOf(first.access) as { sid: string; sub: string };
  const asOperator = (path: string, method = 'GET', key = adminKey) =>
    send(path, { method, headers: { 'x-api-key': key } });

  t.equal((await send(`/admin/sessions?userId=${sub}`)).status, 401);
  t.equal((await asOperator(`/admin/sessions?userId=${sub}`, 'GET', 'guess')).status, 401);
  t.equal((await asOperator(`/admin/sessions?userId=${sub}`, 'GET', service.loginKey)).status, 403);
  const { body } = await asOperator(`/admin/sessions?userId=${sub}`);
  const items = body.items as { id: string; userId: string; hashedRefreshTokenId: string }[];
  t.equal(items.length, 2);
  t.match(items[0], { userId: sub, hashedRefreshTokenId: /^[\w-]{43}$/ });
  for (const query of ['limit=1e9', 'limit=-1', 'limit=101', 'limit=1&limit=2', 'cursor=x']) {
    t.equal((await asOperator(`/admin/sessions?userId=${sub}&${query}`)).status, 400, query);
  }
  t.equal((await asOperator(`/admin/sessions/${sid}`, 'DELETE')).status, 204);
  t.equal((await asOperator(`/admin/sessions/${sid}`, 'DELETE')).status, 404);
  t.equal((await get(service, '/auth/me', first)).status, 401);
  t.equal((await asOperator(`/admin/users/${sub}/sessions`, 'DELETE')).status, 204);
  t.equal((await get(service, '/auth/me', second)).status, 401);
});

t.test('a change of the password refuses invalid requests', async (t) => {
  const service = await startHttpService(t);
  const { post } = service;
  await post('/auth/register', ann);
  const pair = await logIn(service);
  const change = (currentPassword: string, newPassword: string) =>
    post('/auth/password', { currentPassword, newPassword }, bearer(pair));
  t.match(await change('wrong', 'a yellow piano 43'), { status: 401, body: { code: 'invalid_credentials' } });
  t.match(await change(PASSWORD, 'short'), { status: 400, body: { code: 'invalid_request' } });
  t.match(await change(PASSWORD, 'ANN@example.com'), { status: 400 });
  t.equal((await get(service, '/auth/me', pair)).status, 200, 'nothing has changed');
  t.ok(await logIn(service));
});

t.test('users without an account have sessions, and the account routes refuse them', async (t) => {
  const service = await startHttpService(t);
  const { post } = service;
  const userId = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
  const pair = tokensIn((await post(`/auth/login?userId=${userId}`)).body);
  const { sid, iat } = claimsOf(pair.access);
  t.same((await get(service, '/auth/me', pair)).body, { userId, sessionId: sid, authTime: iat });
  const change = { currentPassword: PASSWORD, newPassword: 'a yellow piano 43' };
  t.match(await post('/auth/password', change, bearer(pair)), { status: 404, body: { code: 'not_found' } });
  t.equal((await post(`/auth/login?userId=${userId}`, { username: 'ann', password: PASSWORD })).status, 400);
  t.equal((await post('/auth/password/forgot', { email: 'no address' })).status, 400);
});

t.test('simultaneous logins succeed, although only one replaces an outdated hash', async (t) => {
  const service = await startHttpService(t);
  const { post, users } = service;
  await post('/auth/register', ann);
  const outdated = passwordHasher({ cost: { memory: 2048, time: 2, parallelism: 1 } });
  const user = await users.findByIdentifier('ann');
  const older = await outdated.hash(PASSWORD, '203.0.113.1');
  t.equal(await users.rehash(user?.id ?? '', user?.passwordHash ?? '', older), true);
  const credentials = { username: 'ann', password: PASSWORD };
  const logins = await Promise.all([1, 2, 3].map(() => post('/auth/login', credentials)));
  t.same(
    logins.map(({ status }) => status),
    [200, 200, 200],
  );
});

t.test(
  'a login with the old password opens no session if the password changes while its outdated hash is replaced',
  async (t) => {
    const service = await startHttpService(t);
    const { post, users } = service;
    await post('/auth/register', ann);
    const hasher = passwordHasher({ cost: { memory: 2048, time: 2, parallelism: 1 } });
    const user = await users.findByIdentifier('ann');
    const older = await hasher.hash(PASSWORD, '203.0.113.1');
    await users.rehash(user?.id ?? '', user?.passwordHash ?? '', older);
    const rehash = users.rehash;
    t.teardown(() => Object.assign(users, { rehash }));
    Object.assign(users, {
      async rehash(id: string, expected: string, passwordHash: string) {
        await rehash(id, expected, await hasher.hash('another violet piano 43', '203.0.113.1'));
        return rehash(id, expected, passwordHash);
      },
    });
    const answer = await post('/auth/login', { username: 'ann', password: PASSWORD });
    t.match(answer, { status: 401, body: { code: 'invalid_credentials' } });
  },
);

t.test('a login replaces a hash with outdated parameters', async (t) => {
  const service = await startHttpService(t);
  const { post, users } = service;
  await post('/auth/register', ann);
  const outdated = passwordHasher({ cost: { memory: 2048, time: 2, parallelism: 1 } });
  const user = await users.findByIdentifier('ann');
  const older = await outdated.hash(PASSWORD, '203.0.113.1');
  await users.rehash(user?.id ?? '', user?.passwordHash ?? '', older);
  t.ok(await logIn(service));
  const after = await users.findByIdentifier('ann');
  t.not(after?.passwordHash, older);
  t.match(after?.passwordHash, 'm=1024');
  t.ok(await logIn(service));
});

t.test('accounts and mails per hour are limited', async (t) => {
  const service = await startHttpService(t);
  const { post } = service;
  await post('/auth/register', ann);
  for (let mail = 0; mail < 5; mail += 1) {
    t.equal((await post('/auth/password/forgot', { email: 'ann@example.com' })).status, 202);
  }
  const mails = await service.outbox.claim('mail', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100);
  t.equal(mails.length, 3);
  const made = [];
  for (let n = 0; n < 25; n += 1) {
    made.push(
      await post('/auth/register', {
        username: `user${n}`,
        email: `user${n}@example.com`,
        password: PASSWORD,
      }),
    );
  }
  t.equal(made.filter(({ status }) => status === 201).length, 19);
  const refused = made.at(-1);
  t.match(refused, { status: 429, body: { code: 'too_many_requests' } });
  t.ok(Number(refused?.headers.get('retry-after')) > 0);
});

t.test(
  'deleting an account and registering it again does not reset the limit of reset links to its address',
  async (t) => {
    const service = await startHttpService(t);
    const { post, send, time } = service;
    const links = async () => {
      for (let n = 0; n < 3; n += 1) await post('/auth/password/forgot', { email: ann.email });
      // The links are recorded after the answers.
      await new Promise((resolve) => setTimeout(resolve, 50));
      const mails = await service.outbox.claim('mail', time.now, time.now + 3_600_000, 100);
      return mails.filter(({ event }) => event.type === 'users.password_forgotten').length;
    };
    await post('/auth/register', ann);
    t.equal(await links(), 3);
    const { access } = (await post('/auth/login', { username: ann.username, password: PASSWORD })).body;
    const authorization = `Bearer ${access}`;
    t.equal((await send('/auth/me', { method: 'DELETE', headers: { authorization } })).status, 204);
    t.equal((await post('/auth/register', ann)).status, 201);
    t.equal(await links(), 0);
  },
);
