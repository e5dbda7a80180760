import t from 'tap';
import { consoleService } from '../support/console.ts';
import { addAuthenticatorApp } from '../support/factors.ts';
import { PASSWORD } from '../support/passwords.ts';

const MINUTE = 60_000;
const REASON = { 'x-reason': 'stolen%20laptop' };

t.test('an operator signs in, and the cookie opens the routes under /admin', async (t) => {
  const { signIn, send, cookieOf, ann } = await consoleService(t);
  const answer = await signIn();
  t.equal(answer.status, 204);
  const [set = ''] = answer.headers.getSetCookie();
  t.match(set, /^kinship_console=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const cookie = cookieOf(answer);
  t.equal((await send(`/admin/sessions?userId=${ann}`, { headers: { cookie } })).status, 200);
  t.equal((await send(`/admin/sessions?userId=${ann}`)).status, 401);
});

t.test('behind TLS the name of the cookie has the prefix __Host-', async (t) => {
  const { signIn } = await consoleService(t, { http: { publicUrl: 'https://auth.example.com' } });
  const [set = ''] = (await signIn()).headers.getSetCookie();
  t.match(set, /^__Host-kinship_console=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
});

t.test('the document has no inline code, and no page may frame it', async (t) => {
  const { url } = await consoleService(t);
  for (const path of ['/console', '/console/sessions/e1f22c76-1111-4222-8333-444455556666']) {
    const answer = await fetch(url + path);
    const policy = answer.headers.get('content-security-policy') ?? '';
    t.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'/);
    t.match(policy, /frame-ancestors 'none'/);
    t.notMatch(policy, /unsafe|https?:/);
    t.equal(answer.headers.get('x-frame-options'), 'DENY');
    t.notMatch(await answer.text(), /<style|style=|<script(?! type="module" src="\/console\/app.js")/);
  }
  t.equal(await (await fetch(`${url}/console/app.js`)).text(), '"script"');
  t.match((await fetch(`${url}/console/app.css`)).headers.get('content-type'), /^text\/css/);
});

t.test('a user who is no operator gets no cookie, and no session is left', async (t) => {
  const { signIn, sessionsOf, ann } = await consoleService(t);
  const answer = await signIn('ann');
  t.match(answer, { status: 403, body: { code: 'forbidden', detail: /role operator/ } });
  t.same(answer.headers.getSetCookie(), []);
  t.same(await sessionsOf(ann), []);
});

t.test('a refused sign-in opens no session, so no other session ends for it', async (t) => {
  const { signIn, post, sessionsOf, ann, auditLog } = await consoleService(t, {
    policy: { sessionsPerUser: 1 },
  });
  await post('/auth/login', { username: 'ann', password: PASSWORD });
  const before = await sessionsOf(ann);
  t.equal(before.length, 1);
  t.equal((await signIn('ann')).status, 403);
  t.same(await sessionsOf(ann), before);
  const { events } = await auditLog.list({ userId: ann }, { limit: 10, after: null });
  t.same(events.filter(({ type }) => type.startsWith('sessions.')).length, 1);
});

t.test('in production an operator needs a second factor', async (t) => {
  const service = await consoleService(t, { operatorsNeedSecondFactor: true });
  const { signIn, send, post, cookieOf, ann } = service;
  t.match(await signIn(), { status: 403, body: { detail: /second factor/ } });
  const login = await post('/auth/login', { username: 'olga', password: PASSWORD });
  const app = await addAuthenticatorApp(service, { access: String(login.body.access) });
  const first = await signIn();
  t.match(first, { status: 401, body: { code: 'second_factor_required' } });
  t.same(first.headers.getSetCookie(), []);
  const step = { challenge: String(first.body.challenge) };
  t.equal((await post('/console/session/second-factor', { ...step, code: '000000' })).status, 401);
  t.equal((await post('/console/session/second-factor', step)).status, 400);
  const second = await post('/console/session/second-factor', { ...step, code: app.code() });
  t.equal(second.status, 204);
  const cookie = cookieOf(second);
  t.equal((await send(`/admin/sessions?userId=${ann}`, { headers: { cookie } })).status, 200);
});

t.test('a refused sign-in is logged in one line, and leaves no session', async (t) => {
  const { signIn, ann, lines, sessionsOf, setOperator } = await consoleService(t, {
    operatorsNeedSecondFactor: true,
  });
  const refusals = () =>
    lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'operator_refused');
  t.equal((await signIn('ann')).status, 403);
  await setOperator(ann);
  t.equal((await signIn('ann')).status, 403);
  t.equal(refusals().length, 2);
  t.match(refusals(), [
    { userId: ann, address: '127.0.0.1', reason: 'no role operator' },
    { userId: ann, address: '127.0.0.1', reason: 'no second factor' },
  ]);
  t.same(await sessionsOf(ann), []);
});

t.test('a change by cookie needs a reason, which is logged with the operator', async (t) => {
  const { send, operatorCookie, olga, ann, post, sessionsOf, lines } = await consoleService(t);
  await post('/auth/login', { username: 'ann', password: PASSWORD });
  const cookie = await operatorCookie();
  const end = (headers: Record<string, string>) =>
    send(`/admin/users/${ann}/sessions`, { method: 'DELETE', headers: { cookie, ...headers } });
  for (const reason of ['', 'no', '%', 'stolen%E2%80%AElaptop', 'x'.repeat(201)])
    t.match(await end({ 'x-reason': reason }), { status: 400, body: { detail: /X-Reason/ } });
  t.equal((await sessionsOf(ann)).length, 1);
  t.equal((await end(REASON)).status, 204);
  t.same(await sessionsOf(ann), []);
  const acted = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'operator_acted');
  t.match(acted, [{ userId: olga, reason: 'stolen laptop', route: '/admin/users/:id/sessions' }]);
  const { body } = await send(`/admin/audit?user=${ann}&type=sessions.revoked`, { headers: { cookie } });
  t.match(body.data, [
    {
      actor: { kind: 'operator', name: olga },
      data: { reason: 'administrator', statedReason: 'stolen laptop' },
    },
  ]);
});

t.test('a service key needs no reason, and works beside the console', async (t) => {
  const { send, adminKey, ann } = await consoleService(t);
  const headers = { 'x-api-key': adminKey };
  t.equal((await send(`/admin/users/${ann}/sessions`, { method: 'DELETE', headers })).status, 204);
});

t.test('the console is signed out after 30 minutes without a use', async (t) => {
  const { operatorCookie, send, time, ann } = await consoleService(t);
  const cookie = await operatorCookie();
  const readStatus = async () =>
    (await send(`/admin/sessions?userId=${ann}`, { headers: { cookie } })).status;
  time.now += 29 * MINUTE;
  t.equal(await readStatus(), 200);
  time.now += 29 * MINUTE;
  t.equal(await readStatus(), 200);
  time.now += 30 * MINUTE;
  t.equal(await readStatus(), 401);
});

t.test('a sign-out ends the session, and the page can ask who is signed in', async (t) => {
  const { operatorCookie, send, olga, sessionsOf } = await consoleService(t);
  const cookie = await operatorCookie();
  const ask = async () => (await send('/console/session', { headers: { cookie } })).body;
  t.same(await ask(), { operator: { userId: olga } });
  const out = await send('/console/session', { method: 'DELETE', headers: { cookie } });
  t.equal(out.status, 204);
  t.match(out.headers.getSetCookie().join(), /kinship_console=; Max-Age=0/);
  t.same(await ask(), { operator: null });
  t.same(await sessionsOf(olga), []);
});

t.test('a sign-out ends the session of a user who is no operator any more', async (t) => {
  const { operatorCookie, send, olga, sessionsOf, setOperator } = await consoleService(t);
  const cookie = await operatorCookie();
  await setOperator(olga, false);
  t.equal((await send('/console/session', { method: 'DELETE', headers: { cookie } })).status, 204);
  t.same(await sessionsOf(olga), []);
});

t.test('without the console there is no page and no sign-in', async (t) => {
  const { send, ann, signIn } = await consoleService(t, { http: { consoleFiles: null } });
  t.equal((await signIn()).status, 404);
  t.equal((await send('/console')).status, 404);
  const cookie = `kinship_console=${'a'.repeat(43)}`;
  t.equal((await send(`/admin/sessions?userId=${ann}`, { headers: { cookie } })).status, 401);
});
