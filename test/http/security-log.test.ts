import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type HttpService, startHttpService } from '../support/http.ts';
import { createMemoryStores } from '../support/memory/session-store.ts';
import { PASSWORD } from '../support/passwords.ts';

const WRONG = 'a wrong piano 43';
const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

const address = '127.0.0.1';

/** Returns a function that makes a request and returns the security events that it logs, also after its answer. */
const eventsDuring =
  ({ lines }: Pick<HttpService, 'lines'>) =>
  async (request: () => Promise<unknown>, atLeast = 0) => {
    const events = () => lines.map((line) => JSON.parse(line)).filter(({ event }) => event !== undefined);
    const before = events().length;
    await request();
    for (let n = 0; n < 100 && events().length < before + atLeast; n += 1) await sleep(20);
    return events().slice(before);
  };

t.test('the log contains the user and the address of each event, and no secret', async (t) => {
  const service = await startHttpService(t);
  const { post, send, lines } = service;
  const during = eventsDuring(service);
  const userId = String((await post('/auth/register', ann)).body.id);
  const logIn = async () => (await post('/auth/login', { username: 'ann', password: PASSWORD })).body;
  const bearer = async () => ({ authorization: `Bearer ${(await logIn()).access}` });

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
  t.match(await during(() => send('/auth/me', remove)), [
    { event: 'account_deleted', userId, address },
    { event: 'sessions_ended', reason: 'account_deleted', count: 1, userId, address },
  ]);

  const secrets = [PASSWORD, WRONG, 'canary-name', 'canary-key', service.adminKey, String(stolen.refresh)];
  for (const secret of secrets) t.notOk(lines.some((line) => line.includes(secret)));
});

t.test('each session that ends because of another change is logged', async (t) => {
  const service = await startHttpService(t, { stores: createMemoryStores({ sessionsPerUser: 2 }) });
  const { post, send, outbox, time, links } = service;
  const during = eventsDuring(service);
  const userId = String((await post('/auth/register', ann)).body.id);
  const logIn = async () => (await post('/auth/login', { username: 'ann', password: PASSWORD })).body;
  const ended = (reason: string, count: number) => ({
    event: 'sessions_ended',
    reason,
    count,
    userId,
    address,
  });

  for (let n = 0; n < 2; n += 1) t.same(await during(logIn), []);
  t.match(await during(logIn), [ended('session_limit', 1)]);
  const { access } = await logIn();
  const change = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
  const own = { authorization: `Bearer ${access}` };
  t.match(await during(() => post('/auth/password', change, own)), [
    { event: 'password_changed', userId, address },
    ended('password_changed', 1),
  ]);

  const forget = () => post('/auth/password/forgot', { email: ann.email });
  for (let n = 0; n < 3; n += 1) await forget();
  const limited = { event: 'limit_reached', limit: 'reset-mails', userId, address };
  t.match(await during(forget, 1), [limited]);
  const mails = await outbox.claim('mail', time.now, time.now, 10);
  const mail = mails.map(({ event }) => event).find(({ type }) => type === 'users.password_forgotten');
  if (mail?.type !== 'users.password_forgotten') throw new Error('no mail with a link');
  const token = links.makeResetSecret(mail.data.resetId);
  const reset = { method: 'POST', body: new URLSearchParams({ token, newPassword: PASSWORD }) };
  t.match(await during(() => fetch(`${service.url}/auth/password/reset`, reset)), [
    { event: 'password_reset', userId, address },
    ended('password_changed', 1),
  ]);
  t.notOk(service.lines.some((line) => line.includes(token)));

  const last = await logIn();
  const { sessionId } = (await send('/auth/me', { headers: { authorization: `Bearer ${last.access}` } }))
    .body;
  const link = links.makeNotMeToken(String(sessionId), userId, time.now + 60_000);
  const notMe = { method: 'POST', body: new URLSearchParams({ token: link }) };
  t.match(await during(() => fetch(`${service.url}/auth/not-me`, notMe)), [
    { event: 'session_ended', reason: 'not_me', sessionId, userId, address },
  ]);
});

t.test('a registration or a request is logged only if it is beyond a limit', async (t) => {
  const service = await startHttpService(t, { http: { rateLimit: 1 } });
  const during = eventsDuring(service);
  const register = (n: number) =>
    service.post('/auth/register', { ...ann, username: `user-${n}`, email: `user-${n}@example.com` });
  for (let n = 0; n < 20; n += 1) t.same(await during(() => register(n)), []);
  t.match(await during(() => register(20)), [{ event: 'limit_reached', limit: 'registrations', address }]);

  const ask = () => service.post('/api/v1/refresh/', { refresh: 'x' });
  t.same(await during(ask), []);
  t.match(await during(ask), [{ event: 'limit_reached', limit: 'requests', address }]);
});

t.test('a refusal is logged as one of a service key only if the key was the reason', async (t) => {
  const service = await startHttpService(t);
  const during = eventsDuring(service);
  const key = { 'x-api-key': service.loginKey };
  const wrongBearer = { headers: { ...key, authorization: 'Bearer x.y.z' } };
  const answers: number[] = [];
  const me = async () => answers.push((await service.send('/auth/me', wrongBearer)).status);
  t.same(await during(me), []);
  const basic = { headers: { authorization: 'Basic eDp5' } };
  t.same(await during(async () => answers.push((await service.send('/auth/me', basic)).status)), []);
  t.same(answers, [401, 401]);
  const operators = () => service.send('/admin/sessions', { headers: key });
  t.match(await during(operators), [{ event: 'service_key_refused', reason: 'forbidden', address }]);
  const scrape = () => fetch(`${service.url}/metrics`, { headers: { authorization: 'Bearer canary-key' } });
  t.match(await during(scrape), [{ event: 'service_key_refused', reason: 'unauthenticated', address }]);
});

t.test('requests at the door cookie-pair are logged in the same way', async (t) => {
  const service = await startHttpService(t);
  const during = eventsDuring(service);
  const userId = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
  const open = () => fetch(`${service.url}/${userId}`);
  const cookie = (await open()).headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const refresh = () => fetch(`${service.url}/refresh`, { headers: { cookie } });
  t.equal((await refresh()).status, 200);
  t.match(await during(refresh), [{ event: 'session_ended', reason: 'reuse', userId, address }]);
  const wrongKey = () => fetch(`${service.url}/${userId}`, { headers: { 'x-api-key': 'canary-key' } });
  t.match(await during(wrongKey), [{ event: 'service_key_refused', reason: 'unauthenticated', address }]);
});
