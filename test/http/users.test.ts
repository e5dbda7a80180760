import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { addAuthenticatorApp } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

async function withUsers(t: Test, names: readonly string[] = ['ann', 'bob', 'cid']) {
  const service = await startHttpService(t);
  const { post, send, adminKey, time } = service;
  const ids: Record<string, string> = {};
  for (const username of names) {
    time.now += 1_000;
    const { body } = await post('/auth/register', {
      username,
      email: `${username}@example.com`,
      password: PASSWORD,
    });
    ids[username] = String(body.id);
  }
  const logIn = async (username: string) =>
    (await post('/auth/login', { username, password: PASSWORD })).body;
  const ask = (path: string, method = 'GET', key = adminKey) =>
    send(path, { method, headers: { 'x-api-key': key } });
  const list = async (query: string) => (await ask(`/admin/users${query}`)).body;
  const namesOf = ({ items }: Record<string, unknown>) =>
    (items as { username: string }[]).map(({ username }) => username);
  return { ...service, ids, logIn, ask, list, namesOf };
}

t.test('accounts are listed newest first, page by page', async (t) => {
  const { list, namesOf } = await withUsers(t);
  const first = await list('?limit=2');
  t.same(namesOf(first), ['cid', 'bob']);
  const second = await list(`?limit=2&cursor=${first.nextCursor}`);
  t.same(namesOf(second), ['ann']);
  t.notOk('nextCursor' in second);
  t.same(namesOf(await list('?limit=3')), ['cid', 'bob', 'ann']);
  t.notOk('nextCursor' in (await list('?limit=3')), 'a full page can be the last one');
});

t.test('accounts are found by the beginning of their name, address or id', async (t) => {
  const { list, namesOf, ids } = await withUsers(t, ['ann', 'Anna', 'bob']);
  t.same(namesOf(await list('?query=AN')), ['ann', 'Anna']);
  t.same(namesOf(await list('?query=ann%40')), ['ann']);
  t.same(namesOf(await list('?query=%25')), []);
  t.same(namesOf(await list(`?query=${ids.bob?.slice(0, 9)}`)), ['bob']);
  t.same(namesOf(await list(`?query=${ids.bob?.toUpperCase()}`)), ['bob']);
  t.same(namesOf(await list(`?query=${ids.bob?.slice(0, 8)}-x`)), []);
  const first = await list('?query=ann&limit=1');
  t.same(namesOf(await list(`?query=ann&limit=1&cursor=${first.nextCursor}`)), ['Anna']);
});

t.test('disabled users and operators are listed', async (t) => {
  const { list, namesOf, ids, ask, users } = await withUsers(t);
  await ask(`/admin/users/${ids.bob}/disabled`, 'PUT');
  await users.setRoles(String(ids.cid), ['operator'], []);
  const disabled = await list('?only=disabled');
  t.same(namesOf(disabled), ['bob']);
  t.ok((disabled.items as { disabledAt: string }[])[0]?.disabledAt);
  t.same(namesOf(await list('?only=operators')), ['cid']);
  t.same(namesOf(await list('?query=&only=operators')), ['cid'], 'an empty query is no query');
});

t.test('an account is shown with its factors and sessions', async (t) => {
  const service = await withUsers(t);
  const { ask, ids, logIn, time } = service;
  const { access } = await logIn('ann');
  const path = `/admin/users/${ids.ann}`;
  const account = {
    id: ids.ann,
    username: 'ann',
    email: 'ann@example.com',
    emailVerified: false,
    sessions: 1,
  };
  t.match(await ask(path), { status: 200, body: { ...account, factors: { length: 0 } } });
  const lastLoginAt = new Date(time.now).toISOString();
  await addAuthenticatorApp(service, { access: String(access) });
  t.match(await ask(path.toUpperCase().replace('/ADMIN/USERS', '/admin/users')), {
    body: { factors: ['totp'] },
  });
  t.equal((await ask(path)).body.lastLoginAt, lastLoginAt);
  t.equal((await ask(`/admin/users/${randomUUID()}`)).status, 404);
  t.notMatch(JSON.stringify((await ask(path)).body), /hash|argon/);
});

t.test('an operator can remove a factor of a user, and the user gets a mail', async (t) => {
  const service = await withUsers(t);
  const { ask, ids, logIn, outbox, post, adminKey } = service;
  const userId = String(ids.ann);
  const { access } = await logIn('ann');
  const app = await addAuthenticatorApp(service, { access: String(access) });
  await post('/auth/factors/recovery-codes', undefined, { authorization: `Bearer ${access}` });
  const path = `/admin/users/${userId}/factors`;
  t.match((await ask(path)).body, { items: [{ id: app.id, kind: 'totp' }], recoveryCodes: 10 });
  t.equal((await ask(`${path}/${randomUUID()}`, 'DELETE')).status, 404);
  t.equal((await ask(`${path}/${app.id}`, 'DELETE')).status, 204);
  t.equal((await ask(`${path}/${app.id}`, 'DELETE')).status, 404);
  t.equal((await ask(path, 'DELETE')).status, 204, 'nothing is left to remove');
  t.same((await ask(path)).body, { items: [], recoveryCodes: 0 });
  t.equal((await ask(`/admin/users/${randomUUID()}/factors`, 'DELETE')).status, 404);
  t.ok((await logIn('ann')).access, 'a login asks for no code');
  const mails = await outbox.claim('mail', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100);
  const removal = mails.find(({ event }) => event.type === 'users.factor_removed');
  t.same(removal?.event.data, { userId, factorId: app.id, kind: 'totp', byOperator: true });
  const { body } = await service.send(`/admin/audit?user=${userId}&type=users.factor_removed`, {
    headers: { 'x-api-key': adminKey },
  });
  t.match(body.data, [{ actor: { kind: 'service_key', name: 'operator' }, data: { kind: 'totp' } }]);
});

t.test('an operator can remove all factors of a user at once', async (t) => {
  const service = await withUsers(t);
  const { ask, ids, logIn } = service;
  await addAuthenticatorApp(service, { access: String((await logIn('ann')).access) });
  const path = `/admin/users/${ids.ann}/factors`;
  t.equal((await ask(path, 'DELETE')).status, 204);
  t.same((await ask(path)).body, { items: [], recoveryCodes: 0 });
});

t.test('an operator can delete an account, and its sessions end', async (t) => {
  const { ask, ids, logIn, post, send, adminKey, list, namesOf, lines } = await withUsers(t);
  const { access } = await logIn('ann');
  const path = `/admin/users/${ids.ann}`;
  t.equal((await ask(path, 'DELETE')).status, 204);
  t.equal((await ask(path, 'DELETE')).status, 404);
  t.equal((await ask(path)).status, 404);
  t.same(namesOf(await list('')), ['cid', 'bob']);
  t.equal((await send('/auth/me', { headers: { authorization: `Bearer ${access}` } })).status, 401);
  const again = { username: 'ann', password: PASSWORD };
  t.match(await post('/auth/login', again), { status: 401, body: { code: 'invalid_credentials' } });
  const { body } = await send(`/admin/audit?user=${ids.ann}`, { headers: { 'x-api-key': adminKey } });
  t.match(
    (body.data as { type: string }[])
      .filter(({ type }) => /deleted|revoked/.test(type))
      .map(({ type }) => type)
      .sort(),
    ['sessions.revoked', 'users.deleted'],
  );
  t.ok(lines.some((line) => line.includes('"user_deleted"')));
});

t.test('sessions of all users are found by address, client and user agent', async (t) => {
  const { ask, post, loginKey, ids, logIn } = await withUsers(t);
  await logIn('ann');
  const guid = randomUUID();
  const backend = { 'x-api-key': loginKey, 'user-agent': 'Till/7 (counter 3)' };
  const { access } = (await post(`/auth/login?userId=${guid}`, undefined, backend)).body;
  const { sid } = claimsOf(String(access));
  const findOwners = async (query: string) =>
    ((await ask(`/admin/sessions?${query}`)).body.items as { userId: string }[]).map(({ userId }) => userId);
  t.same((await findOwners('')).sort(), [guid, ids.ann].sort());
  t.same(await findOwners('client=backend'), [guid]);
  t.same(await findOwners('agent=TILL%2F'), [guid]);
  t.same((await findOwners('address=%3A%3Affff%3A127.0.0.1')).length, 2, 'an address has several forms');
  t.same(await findOwners('address=192.0.2.1'), []);
  await ask(`/admin/sessions/${sid}`, 'DELETE');
  t.same(await findOwners('client=backend'), []);
  const ended = (await ask(`/admin/sessions?userId=${guid}&state=ended`)).body.items;
  t.same(await findOwners('state=ended&client=backend'), [guid], 'also without a user');
  t.match(ended, [{ id: sid, endReason: 'administrator', endedAt: /Z$/ }]);
});

t.test(
  'invalid filters and cursors are refused or find nothing, and are never answered with 5xx',
  async (t) => {
    const { ask } = await withUsers(t);
    const encodeCursor = (text: string) => Buffer.from(text).toString('base64url');
    const refused = [
      '/admin/users?cursor=x',
      `/admin/users?cursor=${encodeCursor(`999999999999999999.${randomUUID()}`)}`,
      `/admin/users?cursor=${encodeCursor(`${Date.parse('+010000-01-01T00:00:00Z')}.${randomUUID()}`)}`,
      `/admin/users?cursor=${encodeCursor("1.' or 1=1 --")}`,
      `/admin/users?query=a&cursor=${encodeCursor('a\0')}`,
      `/admin/users?only=disabled&cursor=${encodeCursor('a')}`,
      '/admin/users?query=a%00',
      '/admin/users?query=%ED%A0%80%00',
      '/admin/users?query=a&only=disabled',
      '/admin/users?only=all',
      '/admin/users?limit=0',
      '/admin/users?limit=1e9',
      `/admin/users?query=${'a'.repeat(321)}`,
      '/admin/users?query=a&query=b',
      '/admin/sessions?address=localhost',
      '/admin/sessions?address=0x7f.1',
      '/admin/sessions?agent=a%00',
      '/admin/sessions?cursor=x',
    ];
    for (const path of refused)
      t.match(await ask(path), { status: 400, body: { code: 'invalid_request' } }, path);
    const empty = [
      "/admin/users?query=' or 1=1 --",
      '/admin/users?query=%25',
      `/admin/users?cursor=${encodeCursor(`0.${randomUUID()}`)}`,
      `/admin/users?query=%F4%8F%BF%BF`,
      "/admin/sessions?agent=' or 1=1 --",
      '/admin/sessions?client=%25',
    ];
    for (const path of empty) t.match(await ask(path), { status: 200, body: { items: { length: 0 } } }, path);
  },
);

t.test('only a key with scope admin reads and changes accounts', async (t) => {
  const { ask, ids, loginKey } = await withUsers(t);
  for (const [key, status] of [
    ['wrong', 401],
    [loginKey, 403],
  ] as const) {
    t.equal((await ask('/admin/users', 'GET', key)).status, status);
    t.equal((await ask(`/admin/users/${ids.ann}`, 'DELETE', key)).status, status);
    t.equal((await ask(`/admin/users/${ids.ann}/factors`, 'DELETE', key)).status, status);
  }
  t.equal((await ask(`/admin/users/${ids.ann}`)).status, 200);
});
