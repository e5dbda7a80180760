import t from 'tap';
import { httpService } from '../support/http.ts';

const PASSWORD = 'a violet piano 42';
const WRONG = 'a wrong piano 43';
const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

t.test('the log says who and from where, and no secret', async (t) => {
  const service = await httpService(t);
  const { post, send, lines } = service;
  const events = () => lines.map((line) => JSON.parse(line)).filter(({ event }) => event !== undefined);
  /** The events that a request causes. */
  const during = async (request: () => Promise<unknown>) => {
    const before = events().length;
    await request();
    return events().slice(before);
  };
  const userId = String((await post('/auth/register', ann)).body.id);
  const logIn = async () => (await post('/auth/login', { username: 'ann', password: PASSWORD })).body;
  const bearer = async () => ({ authorization: `Bearer ${(await logIn()).access}` });
  const address = '127.0.0.1';

  for (const path of ['/auth/login', '/api/v1/login/']) {
    const failed = await during(() => post(path, { username: 'ann', password: WRONG }));
    const who = { event: 'login_failed', userId, address, identifierHash: /^[\w-]{22}$/ };
    t.match(failed, [who], path);
    const unknown = await during(() => post(path, { username: 'canary-name', password: WRONG }));
    t.match(unknown, [{ event: 'login_failed', address }], `${path}: no such account`);
    t.equal(unknown[0].userId, undefined);
    t.not(unknown[0].identifierHash, failed[0].identifierHash);
  }
  for (let n = 0; n < 5; n += 1) await post('/auth/login', { username: 'canary-name', password: WRONG });
  const limited = await during(() => post('/auth/login', { username: 'canary-name', password: WRONG }));
  t.match(limited, [{ event: 'limit_reached', limit: 'login-account', address }]);

  const refused = { event: 'service_key_refused', address };
  const key = { 'x-api-key': 'canary-key' };
  const doors: Record<string, () => Promise<unknown>> = {
    admin: () => send('/admin/sessions', { headers: key }),
    'session-id': () => send('/api/v1/auth/sessions', { headers: key }),
    oauth: () => send('/oauth/introspect', { method: 'POST', headers: { ...form, ...key }, body: 'token=x' }),
  };
  for (const [name, ask] of Object.entries(doors)) t.match(await during(ask), [refused], name);

  const stolen = await logIn();
  const pair = { refreshToken: stolen.refresh, accessToken: stolen.access };
  await post('/auth/refresh', pair);
  const theft = await during(() => post('/auth/refresh', pair));
  t.match(theft, [{ event: 'session_ended', reason: 'reuse', userId, address }]);

  const one = await bearer();
  t.match(await during(() => post('/auth/logout', undefined, one)), [
    { event: 'session_ended', reason: 'logout', userId, address },
  ]);
  const all = await bearer();
  t.match(await during(() => post('/api/v1/logout/', undefined, all)), [
    { event: 'sessions_ended', reason: 'logout', userId, address },
  ]);
  const admin = { method: 'DELETE', headers: { 'x-api-key': service.adminKey } };
  t.match(await during(() => send(`/admin/users/${userId}/sessions`, admin)), [
    { event: 'sessions_ended', reason: 'administrator', userId, address },
  ]);

  const own = await bearer();
  const wrong = { currentPassword: WRONG, newPassword: `${PASSWORD}!` };
  t.match(await during(() => post('/auth/password', wrong, own)), [
    { event: 'password_confirmation_failed', userId, address },
  ]);
  const change = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
  t.match(await during(() => post('/auth/password', change, own)), [
    { event: 'password_changed', userId, address },
  ]);
  const remove = {
    method: 'DELETE',
    headers: { ...own, 'content-type': 'application/json' },
    body: JSON.stringify({ password: change.newPassword }),
  };
  t.match(await during(() => send('/auth/me', remove)), [{ event: 'account_deleted', userId, address }]);

  const secrets = [PASSWORD, WRONG, 'canary-name', 'canary-key', service.adminKey, String(stolen.refresh)];
  for (const secret of secrets) t.notOk(lines.some((line) => line.includes(secret)));
});
