import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, RESOURCE_KEY, startHttpService } from '../support/http.ts';
import { basic, postForm } from '../support/oauth.ts';
import { PASSWORD } from '../support/passwords.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
const HOUR = 3_600_000;

/** Which routes accept the tokens of a session at this moment. */
async function readAcceptance({ send, post }: HttpService, body: Record<string, unknown>) {
  const bearer = { headers: { authorization: `Bearer ${body.access}` } };
  const introspect = async (token: unknown) =>
    (await postForm({ send }, '/oauth/introspect', { token: String(token) }, basic('resource', RESOURCE_KEY)))
      .body.active;
  return {
    me: (await send('/auth/me', bearer)).status === 200,
    sessions: (await send('/auth/sessions', bearer)).status === 200,
    verify: (await send('/auth/verify', bearer)).status === 204,
    access: await introspect(body.access),
    refreshToken: await introspect(body.refresh),
    // The refresh comes last, because it rotates the pair.
    refresh:
      (await post('/auth/refresh', { refreshToken: body.refresh, accessToken: body.access })).status === 200,
  };
}

const ALL = { me: true, sessions: true, verify: true, access: true, refreshToken: true, refresh: true };
const NONE = Object.fromEntries(Object.keys(ALL).map((name) => [name, false]));

async function startService(t: Test, policy = {}) {
  const service = await startHttpService(t, { policy });
  await service.post('/auth/register', ann);
  const logInAsAnn = (body: object) =>
    service.post('/auth/login', { username: 'ann', password: PASSWORD, ...body });
  return { ...service, logInAsAnn };
}

t.test('a session that is not to be remembered ends after SESSION_SHORT_AGE', async (t) => {
  const { logInAsAnn, time } = await startService(t);
  const now = Math.floor(time.now / 1000);
  for (const [body, end] of [
    [{ remember: false }, now + 12 * 3600],
    [{ remember: true }, now + 30 * 86_400],
    [{}, now + 30 * 86_400],
  ] as const) {
    const { status, body: pair } = await logInAsAnn(body);
    t.equal(status, 200);
    t.equal(claimsOf(String(pair.refresh)).exp, end, JSON.stringify(body));
  }
});

t.test('a refresh does not prolong a session, and its tokens end with it', async (t) => {
  const { logInAsAnn, time, post } = await startService(t);
  const end = Math.floor(time.now / 1000) + 12 * 3600;
  let { body } = await logInAsAnn({ remember: false });
  t.equal(body.expiresIn, 900);
  time.now += 12 * HOUR - 60_000;
  body = (await post('/auth/refresh', { refreshToken: body.refresh, accessToken: body.access })).body;
  t.same([claimsOf(String(body.access)).exp, claimsOf(String(body.refresh)).exp], [end, end]);
  t.equal(body.expiresIn, 60);
});

t.test('a session that has expired cannot be ended, and no end of it is recorded', async (t) => {
  const { logInAsAnn, time, send, adminKey, auditLog } = await startService(t);
  const { body: short } = await logInAsAnn({ remember: false });
  const { body: long } = await logInAsAnn({});
  const { sid, sub } = claimsOf(String(short.access));
  time.now += 12 * HOUR;
  const end = (path: string) => send(path, { method: 'DELETE', headers: { 'x-api-key': adminKey } });
  t.equal((await end(`/admin/sessions/${sid}`)).status, 404);
  t.equal((await end(`/admin/users/${sub}/sessions`)).status, 204);
  const { events } = await auditLog.list({ types: ['sessions.revoked'] }, { limit: 10, after: null });
  t.same(
    events.map(({ sessionId }) => sessionId),
    [claimsOf(String(long.access)).sid],
  );
  const { body } = await send(`/admin/sessions?userId=${sub}&state=ended`, {
    headers: { 'x-api-key': adminKey },
  });
  const shown = body.items as Record<string, unknown>[];
  t.equal(shown.find(({ id }) => id === sid)?.endedAt, undefined);
  t.equal(shown.filter(({ endReason }) => endReason === 'administrator').length, 1);
});

t.test('a service key can request a shorter lifetime, but not a longer one', async (t) => {
  const { post, time } = await startService(t);
  const { body } = await post(`/auth/login?userId=${USER}&maxAge=60`);
  const end = Math.floor(time.now / 1000) + 60;
  t.same([claimsOf(String(body.access)).exp, claimsOf(String(body.refresh)).exp], [end, end]);
  t.equal(body.expiresIn, 60);
  t.equal((await post(`/auth/login?userId=${USER}&maxAge=${90 * 86_400}`)).status, 200);
  for (const query of [
    `userId=${USER}&maxAge=${90 * 86_400 + 1}`,
    `userId=${USER}&maxAge=0`,
    `userId=${USER}&maxAge=-1`,
    `userId=${USER}&maxAge=1.5`,
    `userId=${USER}&maxAge=1e400`,
    `userId=${USER}&maxAge=60&maxAge=60`,
  ]) {
    const refused = await post(`/auth/login?${query}`);
    t.same([refused.status, refused.body.code], [400, 'invalid_request'], query);
  }
  for (const [query, body] of [
    ['maxAge=60', { username: 'ann', password: PASSWORD }],
    ['email=ann@example.com', { username: 'ann', password: PASSWORD }],
    [`userId=${USER}`, { remember: false }],
  ] as const) {
    const refused = await post(`/auth/login?${query}`, body);
    t.same([refused.status, refused.body.code], [400, 'invalid_request'], 'an option of the other login');
  }
});

t.test('SESSION_SHORT_AGE is limited to SESSION_MAX_AGE', async (t) => {
  const { logInAsAnn, time } = await startService(t, { sessionMaxAge: HOUR, sessionShortAge: 2 * HOUR });
  const { body } = await logInAsAnn({ remember: false });
  t.equal(claimsOf(String(body.refresh)).exp, Math.floor(time.now / 1000) + 3600);
});

t.test('every route accepts a session until the same moment', async (t) => {
  for (const [name, open] of Object.entries({
    'a short session': (service: HttpService) =>
      service.post('/auth/login', { username: 'ann', password: PASSWORD, remember: false }),
    'a session of a service key': (service: HttpService) =>
      service.post(`/auth/login?userId=${USER}&maxAge=60`),
  })) {
    const service = await startService(t);
    const start = service.time.now;
    let { body } = await open(service);
    const end = Number(claimsOf(String(body.refresh)).exp) * 1000;
    if (end - 1000 > start + 60_000) {
      service.time.now = end - 30_000;
      body = (await service.post('/auth/refresh', { refreshToken: body.refresh, accessToken: body.access }))
        .body;
    }
    const countListed = async () => {
      const { sub } = claimsOf(String(body.access));
      const headers = { 'x-api-key': service.adminKey };
      return ((await service.send(`/admin/sessions?userId=${sub}`, { headers })).body.items as unknown[])
        .length;
    };
    service.time.now = end;
    t.same(await readAcceptance(service, body), NONE, `${name}: at its end`);
    t.equal(await countListed(), 0, `${name}: no longer listed`);
    service.time.now = end + 999;
    t.same(await readAcceptance(service, body), NONE, `${name}: after its end`);
    service.time.now = end - 1;
    t.equal(await countListed(), 1, `${name}: listed`);
    t.same(await readAcceptance(service, body), ALL, `${name}: one millisecond before`);
  }
});
