import { randomUUID } from 'node:crypto';
import t from 'tap';
import { type HttpService, httpService, RESOURCE_KEY } from '../support/http.ts';

const ann = { username: 'Ann', email: 'ann@example.com', password: 'a violet piano 42' };

const byAdmin = ({ adminKey }: HttpService) => ({ 'x-api-key': adminKey });

function setDisabled(service: HttpService, userId: string, method: 'PUT' | 'DELETE') {
  return service.send(`/admin/users/${userId}/disabled`, { method, headers: byAdmin(service) });
}

t.test('a disabled user id without an account loses its sessions and gets none by any door', async (t) => {
  const service = await httpService(t);
  const { post, send } = service;
  const userId = randomUUID();
  const { body: pair } = await post(`/auth/login?userId=${userId}`);
  t.same((await setDisabled(service, userId, 'PUT')).status, 204);
  t.equal((await setDisabled(service, userId.toUpperCase(), 'PUT')).status, 204, 'repeated');

  const refreshed = await post('/auth/refresh', { refreshToken: pair.refresh, accessToken: pair.access });
  t.match(refreshed, { status: 403, body: { code: 'account_disabled' } });
  const me = await send('/auth/me', { headers: { authorization: `Bearer ${pair.access}` } });
  t.equal(me.status, 401);
  const doors = {
    canonical: () => post(`/auth/login?userId=${userId}`),
    'session-id': () => post('/api/v1/auth/login', { guid: userId }),
  };
  for (const [door, logIn] of Object.entries(doors)) t.equal((await logIn()).status, 403, door);
  t.match((await post(`/auth/login?userId=${userId}`)).body, { code: 'account_disabled' });

  t.equal((await setDisabled(service, userId, 'DELETE')).status, 204);
  t.equal((await setDisabled(service, userId, 'DELETE')).status, 204, 'repeated');
  t.equal((await post(`/auth/login?userId=${userId}`)).status, 200);
});

t.test('only the right password is told that the account is disabled', async (t) => {
  const service = await httpService(t);
  const { post } = service;
  const { body: user } = await post('/auth/register', ann);
  await setDisabled(service, String(user.id), 'PUT');
  const logIn = (password: string) => post('/auth/login', { username: 'ann', password });
  t.match(await logIn('another violet piano'), { status: 401, body: { code: 'invalid_credentials' } });
  t.match(await logIn(ann.password), { status: 403, body: { code: 'account_disabled' } });
  t.ok(service.lines.some((line) => line.includes('disabled_user_refused')));
});

t.test('the audit log names the service key that disabled a user', async (t) => {
  const service = await httpService(t);
  const userId = randomUUID();
  await setDisabled(service, userId, 'PUT');
  service.time.now += 1_000;
  await setDisabled(service, userId, 'DELETE');
  const { body } = await service.send(`/admin/audit?user=${userId}`, { headers: byAdmin(service) });
  const actor = { kind: 'service_key', name: 'operator' };
  t.match(body.data, [
    { type: 'users.disabled', userId, actor },
    { type: 'users.enabled', userId, actor },
  ]);
});

t.test('users are disabled by a service key with the scope admin, and by nobody else', async (t) => {
  const service = await httpService(t);
  const userId = randomUUID();
  const path = `/admin/users/${userId}/disabled`;
  const { body: pair } = await service.post(`/auth/login?userId=${userId}`);
  const refused: [number, Record<string, string>][] = [
    [401, {}],
    [401, { 'x-api-key': 'a-wrong-key-that-nobody-configured' }],
    [401, { authorization: `Bearer ${pair.access}` }],
    [403, { 'x-api-key': RESOURCE_KEY }],
  ];
  for (const method of ['PUT', 'DELETE'])
    for (const [status, headers] of refused)
      t.equal((await service.send(path, { method, headers })).status, status);
  const bad = await service.send('/admin/users/ann/disabled', { method: 'PUT', headers: byAdmin(service) });
  t.equal(bad.status, 400);
  t.equal(
    (await service.post('/auth/refresh', { refreshToken: pair.refresh, accessToken: pair.access })).status,
    200,
  );
});
