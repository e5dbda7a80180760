import t from 'tap';
import { consoleService } from '../../support/console.ts';
import { PASSWORD } from '../../support/passwords.ts';

const REASON = { 'x-reason': 'test' };

t.test('a bearer token never opens /admin, not even that of an operator', async (t) => {
  const { post, send, ann } = await consoleService(t);
  const login = await post('/auth/login', { username: 'olga', password: PASSWORD });
  const headers = { authorization: `Bearer ${String(login.body.access)}` };
  t.equal((await send(`/admin/sessions?userId=${ann}`, { headers })).status, 401);
  const cookie = `kinship_console=${String(login.body.access)}`;
  t.equal((await send(`/admin/sessions?userId=${ann}`, { headers: { cookie } })).status, 401);
});

t.test(
  'a request from a page of another origin changes nothing, even with the cookie of an operator',
  async (t) => {
    const { operatorCookie, send, post, ann, url, sessionsOf } = await consoleService(t);
    await post('/auth/login', { username: 'ann', password: PASSWORD });
    const cookie = await operatorCookie();
    const end = (headers: Record<string, string>) =>
      send(`/admin/users/${ann}/sessions`, { method: 'DELETE', headers: { cookie, ...REASON, ...headers } });
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ])
      t.match(await end(headers), { status: 403, body: { code: 'forbidden' } });
    t.equal((await sessionsOf(ann)).length, 1);
    t.equal((await end({ origin: url })).status, 204);
  },
);

t.test('a page of another origin can neither sign an operator in nor sign one out', async (t) => {
  const { operatorCookie, send, post, olga, sessionsOf } = await consoleService(t);
  const cookie = await operatorCookie();
  const origin = 'https://evil.example';
  const credentials = { username: 'olga', password: PASSWORD };
  t.equal((await post('/console/session', credentials, { origin })).status, 403);
  const out = await send('/console/session', { method: 'DELETE', headers: { cookie, origin } });
  t.equal(out.status, 403);
  t.equal((await sessionsOf(olga)).length, 1);
});

t.test('a cookie is refused after its user has lost the role or changed the password', async (t) => {
  const { operatorCookie, send, post, ann, olga, setOperator } = await consoleService(t);
  const readStatus = async (cookie: string) =>
    (await send(`/admin/sessions?userId=${ann}`, { headers: { cookie } })).status;
  const cookie = await operatorCookie();
  await setOperator(olga, false);
  t.equal(await readStatus(cookie), 401);
  await setOperator(olga);
  t.equal(await readStatus(cookie), 200);
  const login = await post('/auth/login', { username: 'olga', password: PASSWORD });
  const authorization = `Bearer ${String(login.body.access)}`;
  const passwords = { currentPassword: PASSWORD, newPassword: 'a green piano 44' };
  t.equal((await post('/auth/password', passwords, { authorization })).status, 204);
  t.equal(await readStatus(cookie), 401);
});

t.test('the reason of a change must be one line of visible text', async (t) => {
  const { operatorCookie, send, post, ann, sessionsOf } = await consoleService(t);
  await post('/auth/login', { username: 'ann', password: PASSWORD });
  const cookie = await operatorCookie();
  const end = (reason: string) =>
    send(`/admin/users/${ann}/sessions`, { method: 'DELETE', headers: { cookie, 'x-reason': reason } });
  for (const reason of [
    '%00%00%00',
    'abc%00',
    'abc%0D%0AX: y',
    'abc%E2%80%A8def',
    '%C2%9B31mabc',
    '%7F%7F%7F',
    'abc%E2%80%AEdef',
    'abc%E2%81%A6def',
    '%ED%A0%80abc',
    '%20%20%20',
    'a%20%20b',
    'ab%E2%80%8B%E2%80%8B',
    'ab%E3%85%A4%C2%AD',
    'ab%E2%A0%80%E2%A0%80',
    'ab%F3%A0%84%80%F3%A0%84%80',
    'x'.repeat(201),
  ])
    t.match(await end(reason), { status: 400, body: { code: 'invalid_request' } }, reason.slice(0, 20));
  t.equal((await sessionsOf(ann)).length, 1);
  t.equal((await end('Gestohlenes%20Ger%C3%A4t%20%F0%9F%93%B1')).status, 204);
  t.equal((await end('%F0%9F%93%B1'.repeat(200))).status, 204, '200 characters outside of the first plane');
});

t.test('two cookies of the console are both refused', async (t) => {
  const { operatorCookie, send, ann } = await consoleService(t);
  const cookie = `${await operatorCookie()}; kinship_console=${'a'.repeat(43)}`;
  t.equal((await send(`/admin/sessions?userId=${ann}`, { headers: { cookie } })).status, 400);
});

t.test('a wrong service key is refused, even together with the cookie of an operator', async (t) => {
  const { operatorCookie, send, ann, loginKey } = await consoleService(t);
  const cookie = await operatorCookie();
  const readStatus = async (key: string) =>
    (await send(`/admin/sessions?userId=${ann}`, { headers: { cookie, 'x-api-key': key } })).status;
  t.equal(await readStatus('x'.repeat(40)), 401);
  t.equal(await readStatus(loginKey), 403);
});

t.test('the name of the service is shown as text, not as markup', async (t) => {
  const { url } = await consoleService(t, { http: { serviceName: '"><script>alert(1)</script>' } });
  t.notMatch(await (await fetch(`${url}/console`)).text(), /<script>alert/);
});
