import t from 'tap';
import { claimsOf } from '../support/forge.ts';
import { startHttpService } from '../support/http.ts';

type Settings = Parameters<typeof startHttpService>[1];

/** A service with one session. `ask` sends these headers to `/auth/verify`, as a proxy does. */
async function startWithSession(t: Parameters<typeof startHttpService>[0], settings?: Settings) {
  const service = await startHttpService(t, settings);
  const pair = await service.logIn();
  const ask = (headers: Record<string, string>) => service.send('/auth/verify', { headers });
  const cookie = (token: string, name = 'access_token') => ({ cookie: `a=b; ${name}=${token}; c=d` });
  return { ...service, ...pair, ask, cookie, bearer: { authorization: `Bearer ${pair.access}` } };
}

const codeOf = ({
  status,
  body,
}: Awaited<ReturnType<Awaited<ReturnType<typeof startWithSession>>['ask']>>) =>
  status === 204 ? '204' : `${status} ${body.code}`;

const UNKNOWN = '401 unauthenticated';

t.test('a bearer token or a cookie identifies the user', async (t) => {
  const { ask, cookie, bearer, access, refresh, time } = await startWithSession(t);
  const { sub, sid } = claimsOf(access);
  for (const headers of [bearer, cookie(access), { ...bearer, ...cookie('x') }]) {
    const good = await ask(headers);
    t.equal(good.status, 204);
    t.same([good.headers.get('x-user-id'), good.headers.get('x-session-id')], [sub, sid]);
    t.equal(good.headers.get('cache-control'), 'no-store');
  }
  const bad: Record<string, Record<string, string>> = {
    nothing: {},
    'the refresh token': { authorization: `Bearer ${refresh}` },
    'the refresh token as cookie': cookie(refresh),
    'an empty cookie': cookie(''),
    'a cookie of another name': cookie(access, 'refresh_token'),
    'a cookie whose name only begins like the right one': cookie(access, 'access_token2'),
    'another scheme together with a valid cookie': { authorization: 'Basic x', ...cookie(access) },
    'an invalid bearer token together with a valid cookie': { authorization: 'Bearer x', ...cookie(access) },
    'a blank header together with a valid cookie': { authorization: '', ...cookie(access) },
  };
  for (const [name, headers] of Object.entries(bad)) {
    const refused = await ask(headers);
    t.equal(codeOf(refused), UNKNOWN, name);
    t.equal(refused.headers.get('cache-control'), 'no-store', name);
    t.notOk(refused.headers.has('x-user-id'), name);
  }
  time.now += 906_000;
  for (const headers of [bearer, cookie(access)]) t.equal(codeOf(await ask(headers)), UNKNOWN, 'expired');
});

t.test('an ended session is refused at once', async (t) => {
  const { ask, cookie, bearer, access, post } = await startWithSession(t);
  t.equal((await post('/auth/logout', undefined, bearer)).status, 204);
  t.equal(codeOf(await ask(bearer)), UNKNOWN);
  t.equal(codeOf(await ask(cookie(access))), UNKNOWN);
});

t.test('the cookie of the door cookie-pair is accepted, with and without TLS', async (t) => {
  const user = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
  for (const publicUrl of ['http://localhost:3000', 'https://auth.example.com']) {
    const { send, url, ask } = await startWithSession(t, { http: { publicUrl } });
    const opened = await fetch(`${url}/${user}`);
    const cookies = opened.headers.getSetCookie().map((line) => line.split(';', 1)[0]);
    t.equal(cookies.length, 2);
    const good = await ask({ cookie: cookies.join('; ') });
    t.same([good.status, good.headers.get('x-user-id')], [204, user], publicUrl);
    const { body } = await send('/docs/json');
    t.match(JSON.stringify(body), '"in":"cookie","name":"access_token"', 'as documented');
  }
});

t.test('two cookies of one name are refused', async (t) => {
  const { ask, access, bearer } = await startWithSession(t);
  for (const other of ['x', '', access]) {
    const cookie = `access_token=${other}; access_token=${access}`;
    t.equal(codeOf(await ask({ cookie })), UNKNOWN);
    t.equal(codeOf(await ask({ cookie, ...bearer })), '204', 'a bearer token is not a cookie');
  }
});

t.test('a cookie is refused in a cross-site request', async (t) => {
  const { ask, cookie, bearer, access } = await startWithSession(t);
  const from = (site: string) => ({ 'sec-fetch-site': site });
  t.equal(codeOf(await ask({ ...cookie(access), ...from('cross-site') })), '403 forbidden');
  t.equal(
    codeOf(await ask({ ...cookie('x'), ...from('cross-site') })),
    '403 forbidden',
    'whether the cookie is valid or not',
  );
  t.equal(
    codeOf(await ask({ ...bearer, ...from('cross-site') })),
    '204',
    'a bearer token is accepted, because no browser sends it by itself',
  );
  t.equal(
    codeOf(await ask(from('cross-site'))),
    UNKNOWN,
    'a request without a cookie is answered as unauthenticated',
  );
  for (const site of ['same-origin', 'same-site', 'none'])
    t.equal(codeOf(await ask({ ...cookie(access), ...from(site) })), '204', site);
});

t.test('/auth/me, /auth/sessions and /auth/logout do not accept the cookie', async (t) => {
  const { send, cookie, access } = await startWithSession(t);
  for (const path of ['/auth/me', '/auth/sessions'])
    t.equal((await send(path, { headers: cookie(access) })).status, 401, path);
  const out = await send('/auth/logout', { method: 'POST', headers: cookie(access) });
  t.equal(out.status, 401);
});
