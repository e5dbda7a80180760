import t, { type Test } from 'tap';
import { createLinkSecrets } from '../../src/adapters/secrets/link-secrets.ts';
import type { UserIdFormat } from '../../src/domain/user-id.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { postgresStores } from '../support/open-stores.ts';
import { readOperations } from '../support/service-on-database.ts';
import { someKeys } from '../support/sessions.ts';

type Settings = NonNullable<Parameters<typeof startHttpService>[1]>;

const withIds = (t: Pick<Test, 'teardown'>, userIdFormat: UserIdFormat, settings: Settings = {}) =>
  startHttpService(t, { ...settings, http: { userIdFormat } });

/** User ids of each form that backends use. */
const IDS = {
  'a number': '42',
  'a text with punctuation': 'auth0|123',
  'a text with the characters of a URL': `a/b?c=d&e#f%25;g=h+i,"j"`,
  '128 characters': 'x'.repeat(128),
  '128 emoji': '🦊'.repeat(128),
};

const inPath = encodeURIComponent;

function logIn({ post }: HttpService, userId: string, body?: object) {
  return post(`/auth/login?userId=${inPath(userId)}`, body);
}

async function open(service: HttpService, userId: string) {
  const { status, body } = await logIn(service, userId);
  if (status !== 200) throw new Error(`Expected a pair, got ${status} ${body.detail}`);
  return { accessToken: String(body.access), refreshToken: String(body.refresh) };
}

const bearer = (accessToken: string) => ({ headers: { authorization: `Bearer ${accessToken}` } });

t.test('a user with any id logs in, refreshes and logs out', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const service = await withIds(t, 'text', { stores });
  const { post, send, adminKey } = service;
  const asOperator = (method: string, path: string, body?: object) =>
    send(path, {
      method,
      headers: { 'x-api-key': adminKey, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });

  for (const [name, userId] of Object.entries(IDS))
    await t.test(name, async (t) => {
      const pair = await open(service, userId);
      t.match(claimsOf(pair.accessToken), { sub: userId, userId });
      t.equal(claimsOf(pair.refreshToken).sub, userId);
      t.match((await send('/auth/me', bearer(pair.accessToken))).body, { userId });
      const verified = await send('/auth/verify', bearer(pair.accessToken));
      t.equal(decodeURIComponent(verified.headers.get('x-user-id') ?? ''), userId);

      const user = `/admin/users/${inPath(userId)}`;
      t.equal((await asOperator('PUT', `${user}/claims`, { claims: { plan: 'paid' } })).status, 204);
      t.match((await asOperator('GET', `${user}/claims`)).body, { claims: { plan: 'paid' } });
      const next = (await post('/auth/refresh', pair)).body;
      t.match(claimsOf(String(next.access)), { sub: userId, userId, plan: 'paid' });

      const found = await asOperator('GET', `/admin/sessions?userId=${inPath(userId)}&state=all`);
      t.match(found.body.items, [{ userId }]);
      t.equal((await asOperator('PUT', `${user}/disabled`)).status, 204);
      t.match(await logIn(service, userId), { status: 403, body: { code: 'account_disabled' } });
      t.equal((await asOperator('DELETE', `${user}/disabled`)).status, 204);
      await open(service, userId);
      t.equal((await asOperator('DELETE', `${user}/sessions`)).status, 204);
      t.same((await asOperator('GET', `/admin/sessions?userId=${inPath(userId)}`)).body.items, []);
      for (const path of [user, `${user}/factors`])
        t.match(await asOperator('GET', path), { status: 404, body: { code: 'not_found' } });

      const audit = await asOperator('GET', `/admin/audit?user=${inPath(userId)}&limit=100`);
      const events = audit.body.data as { type: string; userId: string }[];
      t.same([...new Set(events.map((event) => event.userId))], [userId]);
      t.same(events.map(({ type }) => type).sort(), [
        'sessions.revoked',
        'sessions.revoked',
        'sessions.started',
        'sessions.started',
        'users.claims_changed',
        'users.disabled',
        'users.enabled',
      ]);
      t.ok(
        service.lines.some((line) => JSON.parse(line).userId === userId),
        'the log names the user',
      );
    });
});

t.test('the front door session-id accepts any user id', async (t) => {
  const { post, send, adminKey } = await withIds(t, 'text');
  const { status, body } = await post('/api/v1/auth/login', { guid: 'auth0|123' });
  t.equal(status, 200);
  t.match(claimsOf(String(body.access_token)), { sub: 'auth0|123', guid: 'auth0|123' });
  const listed = await send('/api/v1/auth/sessions', { headers: { 'x-api-key': adminKey } });
  t.match(listed.body, [{ guid: 'auth0|123' }]);
  t.match(await post('/api/v1/auth/login', { guid: 'a b' }), {
    status: 400,
    body: { detail: /^The user id must/ },
  });
});

t.test('ids that differ only in case are different users, unless they are UUIDs', async (t) => {
  const service = await withIds(t, 'text');
  const subjectOf = async (userId: string) => claimsOf((await open(service, userId)).accessToken).sub;
  t.same([await subjectOf('Ann'), await subjectOf('ann')], ['Ann', 'ann']);
  const uuid = 'a8b1c9d2-0000-4000-8000-00000000000a';
  t.equal(await subjectOf(uuid.toUpperCase()), uuid);
});

t.test('no route answers with 5xx to a session without an account', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const service = await withIds(t, 'text', { stores });
  const operations = (await readOperations(service)).filter(({ security }) => security.includes('bearer'));
  t.ok(operations.length > 15, `${operations.length} routes`);
  for (const { method, path } of operations) {
    const { accessToken } = await open(service, 'auth0|123');
    const url = path.replaceAll(/\{\w+\}/g, 'a8b1c9d2-0000-4000-8000-00000000000a');
    const { status } = await service.send(url, { method, ...bearer(accessToken) });
    t.ok(status < 500, `${method} ${path}: ${status}`);
  }
});

t.test('an access token with the longest id and the largest claims has at most 4 KiB', async (t) => {
  const service = await withIds(t, 'text');
  const { send, adminKey, families } = service;
  const changeClaims = (method: string, path: string, length: number) =>
    send(path, {
      method,
      headers: { 'x-api-key': adminKey, 'content-type': 'application/json' },
      body: JSON.stringify({ claims: { of: 'x'.repeat(length - '{"of":""}'.length) } }),
    });
  // The limits for ids of at most 128 bytes, of 512 bytes, and of 256 bytes in JSON.
  const cases = [
    ['x'.repeat(128), 1_024, 512],
    ['🦊'.repeat(128), 256, 128],
    ['"'.repeat(128), 768, 384],
  ] as const;
  for (const [userId, ofUser, ofSession] of cases) {
    const path = `/admin/users/${inPath(userId)}/claims`;
    t.match(await changeClaims('PUT', path, ofUser + 1), {
      status: 400,
      body: { detail: new RegExp(`${ofUser} bytes`) },
    });
    t.equal((await changeClaims('PUT', path, ofUser)).status, 204);
    const claims = (length: number) => ({
      claims: { session: 'x'.repeat(length - '{"session":""}'.length) },
    });
    t.match(await logIn(service, userId, claims(ofSession + 1)), { status: 400 });
    const { body } = await logIn(service, userId, claims(ofSession));
    const { length } = String(body.access);
    t.ok(length > 2_400 && length < 3_800, `${length} characters`);
    const { sid } = claimsOf(String(body.access));
    t.equal((await changeClaims('PATCH', `/admin/sessions/${sid}`, ofSession + 1)).status, 400);
    t.equal((await changeClaims('PATCH', `/admin/sessions/${sid}`, ofSession)).status, 200);
    t.equal((await families.list(userId, { now: 0, limit: 10, after: null })).length, 1);
    const refreshed = await service.post('/auth/refresh', {
      refreshToken: body.refresh,
      accessToken: body.access,
    });
    t.equal(refreshed.status, 200);
  }
});

t.test('a link in a mail ends the sessions of a user with any id', async (t) => {
  const keys = someKeys();
  const service = await withIds(t, 'text', { keys });
  const links = createLinkSecrets(keys.hashKeys);
  for (const userId of ['a.b', 'auth0|123', '~x', '🦊'.repeat(128)]) {
    const pair = await open(service, userId);
    const token = links.makeNotMeToken(null, userId, service.time.now + 1_000);
    t.same(links.readNotMeToken(token, service.time.now), { sessionId: null, userId });
    const answer = await fetch(new URL('/auth/not-me', service.url), {
      method: 'POST',
      body: new URLSearchParams({ token }),
    });
    t.equal(answer.status, 200, userId);
    t.match(await service.post('/auth/refresh', pair), { status: 401, body: { code: 'session_revoked' } });
  }
});

t.test('a session keeps its user when USER_ID_FORMAT changes and changes back', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const settings = { stores, keys: someKeys() };
  const [uuids, texts] = [await withIds(t, 'uuid', settings), await withIds(t, 'text', settings)];
  const userId = 'a8b1c9d2-0000-4000-8000-00000000000a';
  const ofUuid = await open(uuids, userId);
  const refreshed = (await texts.post('/auth/refresh', ofUuid)).body;
  t.equal(claimsOf(String(refreshed.access)).sub, userId);
  await open(texts, userId);
  t.equal((await stores.families.list(userId, { now: texts.time.now, limit: 10, after: null })).length, 2);

  const ofText = await open(texts, 'auth0|123');
  const back = (await uuids.post('/auth/refresh', ofText)).body;
  t.equal(claimsOf(String(back.access)).sub, 'auth0|123', 'a session of a user id that is text continues');
  t.equal((await uuids.send('/auth/me', bearer(String(back.access)))).status, 200);
  t.equal((await logIn(uuids, 'auth0|123')).status, 400, 'only new logins are refused');
});

t.test('a refresh for a user id that is no UUID takes the same statements as for a UUID', async (t) => {
  const statements: string[] = [];
  const stores = await postgresStores(
    t,
    4,
    (text) => void statements.push(text.replaceAll(/\s+/g, ' ').trim()),
  );
  if (stores === null) return;
  const service = await withIds(t, 'text', { stores });
  const statementsOf = async (userId: string) => {
    const pair = await open(service, userId);
    statements.length = 0;
    t.equal((await service.post('/auth/refresh', pair)).status, 200);
    return [...statements];
  };
  const ofUuid = await statementsOf('a8b1c9d2-0000-4000-8000-00000000000a');
  t.equal(ofUuid.length, 1);
  t.same(await statementsOf('auth0|123'), ofUuid);
});

t.test('the refusal of a user id says which ids are accepted', async (t) => {
  const uuids = await withIds(t, 'uuid');
  const texts = await withIds(t, 'text');
  const uuid = /^The user id must be a UUID\. The service accepts other user ids with USER_ID_FORMAT=text\.$/;
  const text = /^The user id must have 1 to 128 visible characters, and must not be "\." or "\.\."\.$/;
  const key = { headers: { 'x-api-key': uuids.adminKey } };
  t.match((await logIn(uuids, '42')).body, { code: 'invalid_request', detail: uuid });
  t.match((await uuids.send('/admin/users/42/disabled', key)).body, { detail: uuid });
  t.match((await uuids.send('/admin/audit?user=42', key)).body, { detail: uuid });
  t.match((await logIn(texts, 'a b')).body, { detail: text });
});
