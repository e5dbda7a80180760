import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
const MINUTE = 60_000;

type Body = Readonly<Record<string, unknown>>;

async function startService(t: Test, settings: Parameters<typeof startHttpService>[1] = {}) {
  const service = await startHttpService(t, settings);
  const { body: account } = await service.post('/auth/register', ann);
  const bearer = ({ access }: Body) => ({ authorization: `Bearer ${access}` });
  return {
    ...service,
    userId: String(account.id),
    bearer,
    logInByPassword: async () =>
      (await service.post('/auth/login', { username: 'ann', password: PASSWORD })).body,
    stepUp: async ({ refresh: refreshToken, access: accessToken }: Body) =>
      (await service.post('/auth/step-up', { refreshToken, accessToken, password: PASSWORD })).body,
    remove: (pair: Body, body?: object) =>
      service.send('/auth/me', {
        method: 'DELETE',
        headers: { ...bearer(pair), ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      }),
  };
}

const codeOf = ({ status, body }: Awaited<ReturnType<HttpService['send']>>) =>
  body.code === undefined ? String(status) : `${status} ${body.code}`;

t.test('after a recent sign-in the account can be deleted without the password', async (t) => {
  const { logInByPassword, remove, time, users, userId } = await startService(t);
  const pair = await logInByPassword();
  time.now = Number(claimsOf(String(pair.access)).auth_time) * 1000 + 10 * MINUTE;
  t.equal(codeOf(await remove(pair)), '204');
  t.equal(await users.find(userId), null);
});

t.test('an older sign-in is challenged, and a step-up answers the challenge', async (t) => {
  const { logInByPassword, remove, stepUp, time, users, userId } = await startService(t);
  const pair = await logInByPassword();
  time.now = Number(claimsOf(String(pair.access)).auth_time) * 1000 + 10 * MINUTE + 1;
  for (const body of [undefined, {}]) {
    const refused = await remove(pair, body);
    t.equal(codeOf(refused), '401 step_up_required');
    t.equal(refused.body.recovery, 'step_up');
    t.equal(
      refused.headers.get('www-authenticate'),
      'Bearer realm="kinship", error="insufficient_user_authentication", max_age=600',
    );
  }
  t.ok(await users.find(userId));
  const raised = await stepUp(pair);
  t.equal(
    codeOf(await remove(pair)),
    '401 step_up_required',
    'the earlier access token does not count as recent',
  );
  t.equal(codeOf(await remove(raised)), '204');
});

t.test('a refresh does not count as a sign-in', async (t) => {
  const { logInByPassword, remove, post, time } = await startService(t);
  const { access: accessToken, refresh: refreshToken } = await logInByPassword();
  time.now += 11 * MINUTE;
  const next = (await post('/auth/refresh', { accessToken, refreshToken })).body;
  t.equal(codeOf(await remove(next)), '401 step_up_required');
});

t.test('the password in the body counts as a sign-in', async (t) => {
  const { logInByPassword, remove, time } = await startService(t);
  const pair = await logInByPassword();
  t.equal(
    codeOf(await remove(pair, { password: 'a wrong piano 42' })),
    '401 invalid_credentials',
    'a wrong password',
  );
  time.now += 11 * MINUTE;
  t.equal(codeOf(await remove(pair, { password: 'a wrong piano 42' })), '401 invalid_credentials');
  t.equal(codeOf(await remove(pair, { password: PASSWORD })), '204');
});

t.test('a change of the address needs a recent sign-in or the password', async (t) => {
  const { logInByPassword, post, bearer, time } = await startService(t);
  const pair = await logInByPassword();
  const change = (body = {}) => post('/auth/email', { email: 'ann@example.org', ...body }, bearer(pair));
  t.equal(codeOf(await change()), '202');
  time.now += 11 * MINUTE;
  t.equal(codeOf(await change()), '401 step_up_required');
  t.equal(codeOf(await change({ password: PASSWORD })), '202');
});

t.test('STEP_UP_MAX_AGE decides what is recent', async (t) => {
  const { logInByPassword, remove, time } = await startService(t, { policy: { stepUpMaxAge: MINUTE } });
  const pair = await logInByPassword();
  time.now += MINUTE + 1;
  const refused = await remove(pair);
  t.match(refused.headers.get('www-authenticate'), /max_age=60$/);
});

t.test('a session whose authentication is older than its login is challenged', async (t) => {
  const { post, remove, time, userId } = await startService(t);
  const now = Math.floor(time.now / 1000);
  const { body: old } = await post(`/auth/login?userId=${userId}&authTime=${now - 601}`);
  t.equal(codeOf(await remove(old)), '401 step_up_required');
  const { body: recent } = await post(`/auth/login?userId=${userId}&authTime=${now - 599}`);
  t.equal(codeOf(await remove(recent)), '204');
});

t.test('a session that ended on another replica cannot delete its account', async (t) => {
  const { logInByPassword, remove, families, revoked, users, userId, time } = await startService(t);
  const pair = await logInByPassword();
  // This replica has not received the revocation yet, and treats its list as complete.
  revoked.setComplete(true);
  await families.revoke(String(claimsOf(String(pair.access)).sid), { at: time.now, reason: 'logout' }, []);
  t.equal(codeOf(await remove(pair)), '401 unauthenticated');
  t.ok(await users.find(userId));
});

t.test('a user without an account cannot delete one', async (t) => {
  const { post, remove, time } = await startService(t);
  const { body } = await post('/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11');
  t.equal(codeOf(await remove(body)), '404 not_found');
  time.now += 11 * MINUTE;
  t.equal(codeOf(await remove(body)), '404 not_found');
});

t.test('ending sessions needs no recent sign-in', async (t) => {
  const { logInByPassword, send, post, bearer, time } = await startService(t);
  const [first, second] = [await logInByPassword(), await logInByPassword()];
  time.now += 14 * MINUTE;
  const path = `/auth/sessions/${claimsOf(String(second.access)).sid}`;
  t.equal((await send(path, { method: 'DELETE', headers: bearer(first) })).status, 204);
  for (const scope of ['others', 'all'])
    t.equal((await post(`/auth/logout?scope=${scope}`, undefined, bearer(first))).status, 204, scope);
});

t.test('a recent sign-in cannot delete an account whose password changes during the request', async (t) => {
  const service = await startService(t);
  const pair = await service.logInByPassword();
  const { remove: removeUser } = service.users;
  // The password changes after the service has read the account.
  const removeAfterChange = (except: string | null) => {
    service.users.remove = async (id, ...rest) => {
      await service.users.changePassword(id, null, { passwordHash: 'x', except, at: service.time.now }, []);
      return removeUser(id, ...rest);
    };
    return service.remove(pair);
  };
  const { sid } = claimsOf(String(pair.access));
  t.equal(codeOf(await removeAfterChange(String(sid))), '401 step_up_required');
  t.equal(codeOf(await removeAfterChange(null)), '401 unauthenticated', 'the change ended the session');
  t.ok(await service.users.find(service.userId));
});
