import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { addAuthenticatorApp } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { startHttpService } from '../support/http.ts';
import { openapiOf } from '../support/openapi.ts';
import { PASSWORD } from '../support/passwords.ts';

async function withAnn(t: Test) {
  const service = await startHttpService(t);
  const { post, send, adminKey } = service;
  await post('/auth/register', { username: 'ann', email: 'ann@example.com', password: PASSWORD });
  const logIn = (password = PASSWORD) => post('/auth/login', { username: 'ann', password });
  const pair = (await logIn()).body;
  const userId = String(claimsOf(String(pair.access)).sub);
  const callDisabledRoute = (method: 'PUT' | 'DELETE', id = userId, key = adminKey) =>
    send(`/admin/users/${id}/disabled`, { method, headers: { 'x-api-key': key } });
  return { ...service, logIn, pair, userId, callDisabledRoute };
}

const refused = { status: 403, body: { code: 'account_disabled', recovery: 'login' } };

t.test('a disabled user can neither log in nor refresh nor step up, and has no session', async (t) => {
  const { post, send, logIn, pair, userId, callDisabledRoute, outbox } = await withAnn(t);
  t.equal((await callDisabledRoute('PUT')).status, 204);
  t.equal((await callDisabledRoute('PUT', userId.toUpperCase())).status, 204, 'a repetition has no effect');
  t.match(await logIn(), refused);
  t.match(await logIn('a wrong password'), { status: 401, body: { code: 'invalid_credentials' } });
  t.match(await post(`/auth/login?userId=${userId}`), refused);
  const { access: accessToken, refresh: refreshToken } = pair;
  t.match(await post('/auth/refresh', { accessToken, refreshToken }), refused);
  t.match(await post('/auth/step-up', { accessToken, refreshToken, password: PASSWORD }), refused);
  t.equal((await send('/auth/me', { headers: { authorization: `Bearer ${accessToken}` } })).status, 401);
  const events = (await outbox.claim('event', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100)).map(
    ({ event }) => event,
  );
  t.same(
    events.filter(({ type }) => type === 'users.disabled').map(({ data }) => data),
    [{ userId }],
  );
  t.match(
    events.find(({ type }) => type === 'sessions.revoked'),
    { data: { reason: 'disabled' } },
  );

  t.equal((await callDisabledRoute('DELETE')).status, 204);
  t.equal((await callDisabledRoute('DELETE')).status, 204, 'a repetition has no effect');
  t.equal((await logIn()).status, 200);
});

t.test('the routes that refuse a disabled user document that refusal', async (t) => {
  const { paths } = await openapiOf(t);
  for (const path of [
    '/auth/login',
    '/auth/login/second-factor',
    '/auth/login/passkey',
    '/auth/refresh',
    '/auth/step-up',
    '/api/v1/auth/refresh',
    '/api/v1/login/',
    '/api/v1/refresh/',
  ])
    t.ok(paths[path]?.post?.responses['403'], path);
});

t.test('a user id without an account can be disabled', async (t) => {
  const { post, callDisabledRoute } = await withAnn(t);
  const id = randomUUID();
  const open = () => post(`/auth/login?userId=${id}`);
  const { access: accessToken, refresh: refreshToken } = (await open()).body;
  t.equal((await callDisabledRoute('PUT', id)).status, 204);
  t.match(await open(), refused);
  t.match(await post('/auth/refresh', { accessToken, refreshToken }), refused);
  t.equal((await callDisabledRoute('DELETE', id)).status, 204);
  t.equal((await open()).status, 200);
});

t.test('a disabled user gets no challenge, and a challenge from before is refused', async (t) => {
  const service = await withAnn(t);
  const { post, logIn, pair, callDisabledRoute, time } = service;
  const app = await addAuthenticatorApp(service, { access: String(pair.access) });
  const { challenge } = (await logIn()).body;
  await callDisabledRoute('PUT');
  time.now += 60_000;
  const answer = () => post('/auth/login/second-factor', { challenge, code: app.code() });
  t.match(await answer(), refused);
  t.match(await logIn(), refused);
  await callDisabledRoute('DELETE');
  t.match(
    await answer(),
    { status: 401, body: { code: 'proof_refused' } },
    'a challenge from before is refused',
  );
  t.match(await logIn(), { status: 401, body: { code: 'second_factor_required' } });
});

t.test('disabling needs a service key with scope admin, and is logged with its name', async (t) => {
  const { callDisabledRoute, loginKey, userId, lines } = await withAnn(t);
  t.equal((await callDisabledRoute('PUT', userId, 'wrong')).status, 401);
  t.equal((await callDisabledRoute('PUT', userId, loginKey)).status, 403);
  t.equal((await callDisabledRoute('PUT', 'no-uuid')).status, 400);
  t.notOk(lines.some((line) => line.includes('user_disabled')));
  await callDisabledRoute('PUT');
  const logged = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'user_disabled');
  t.match(logged, [{ actor: 'service_key operator', userId, address: '127.0.0.1' }]);
  t.equal(logged.length, 1);
});

t.test('the audit log names the service key that disabled a user', async (t) => {
  const { send, callDisabledRoute, userId, adminKey, time } = await withAnn(t);
  await callDisabledRoute('PUT');
  time.now += 1_000;
  await callDisabledRoute('DELETE');
  const { body } = await send(`/admin/audit?user=${userId}`, { headers: { 'x-api-key': adminKey } });
  const actor = { kind: 'service_key', name: 'operator' };
  t.match(
    (body.data as { type: string }[]).filter(({ type }) => /abled$/.test(type)),
    [
      { type: 'users.disabled', userId, actor },
      { type: 'users.enabled', userId, actor },
    ],
  );
});

t.test('a GET of the route returns the time at which a user was disabled', async (t) => {
  const { send, callDisabledRoute, adminKey, time } = await withAnn(t);
  const userId = randomUUID();
  const path = `/admin/users/${userId.toUpperCase()}/disabled`;
  const headers = { 'x-api-key': adminKey };
  t.match(await send(path, { headers }), { status: 200, body: { disabledAt: null } });
  await callDisabledRoute('PUT', userId);
  const disabledAt = new Date(time.now).toISOString();
  time.now += 1_000;
  t.match((await send(path, { headers })).body, { disabledAt });
  t.equal((await send(path)).status, 401, 'without a service key');
  t.equal((await send('/admin/users/1/disabled', { headers })).status, 400);
});
