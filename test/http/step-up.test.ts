import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { CONFIDENTIAL_KEY, type HttpService, startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
const MINUTE = 60_000;

type Body = Readonly<Record<string, unknown>>;

const tokensOf = ({ refresh, access }: Body) => ({ refreshToken: refresh, accessToken: access });
const key = (name: string) => ({ 'idempotency-key': name });

async function startService(t: Test, settings: Parameters<typeof startHttpService>[1] = {}) {
  const service = await startHttpService(t, settings);
  const { body: account } = await service.post('/auth/register', ann);
  return {
    ...service,
    userId: String(account.id),
    logInByPassword: async () =>
      (await service.post('/auth/login', { username: 'ann', password: PASSWORD })).body,
    stepUp: (pair: Body, proof: object = { password: PASSWORD }, headers = {}) =>
      service.post('/auth/step-up', { ...tokensOf(pair), ...proof }, headers),
    refreshPair: (pair: Body, headers = {}) => service.post('/auth/refresh', tokensOf(pair), headers),
  };
}

const codeOf = ({ status, body }: Awaited<ReturnType<HttpService['send']>>) =>
  body.code === undefined ? String(status) : `${status} ${body.code}`;

t.test('a step-up returns a pair with the current time as auth_time', async (t) => {
  const { logInByPassword, stepUp, refreshPair, time, send, outbox, userId } = await startService(t);
  const first = await logInByPassword();
  time.now += 20 * MINUTE;
  const { status, headers, body: second } = await stepUp(first);
  t.equal(status, 200);
  t.equal(headers.get('cache-control'), 'no-store');
  const now = Math.floor(time.now / 1000);
  const access = claimsOf(String(second.access));
  t.match(access, { auth_time: now, amr: ['pwd'], acr: 'aal1', iat: now });
  t.equal(claimsOf(String(first.access)).auth_time, now - 20 * 60);
  t.equal(claimsOf(String(second.refresh)).generation, 1);
  const me = await send('/auth/me', { headers: { authorization: `Bearer ${second.access}` } });
  t.match(me.body, { authTime: now, amr: ['pwd'], acr: 'aal1' });
  const events = await outbox.claim('event', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100);
  const [event, ...others] = events.filter(({ event }) => event.type === 'sessions.stepped_up');
  t.same(others, []);
  t.same(event?.event.data, {
    userId,
    sessionId: access.sid,
    address: '127.0.0.1',
    userAgent: 'Browser/1.0',
    amr: ['pwd'],
    acr: 'aal1',
  });
  time.now += MINUTE;
  const third = await refreshPair(second);
  t.match(
    claimsOf(String(third.body.access)),
    { auth_time: now, iat: now + 60 },
    'a refresh keeps the authentication',
  );
});

t.test('an unpaired session steps up by its refresh token alone', async (t) => {
  const { post, stepUp, time } = await startService(t);
  const { body } = await post('/auth/login?binding=refresh', { username: 'ann', password: PASSWORD });
  time.now += MINUTE;
  const next = await stepUp({ refresh: body.refresh });
  t.equal(claimsOf(String(next.body.access)).auth_time, Math.floor(time.now / 1000));
});

t.test('after a refused proof the pair is still current', async (t) => {
  const { logInByPassword, stepUp, refreshPair, lines, verifications } = await startService(t);
  const pair = await logInByPassword();
  const before = verifications();
  t.equal(codeOf(await stepUp(pair, { password: 'a wrong piano 42' })), '401 proof_refused');
  t.equal(verifications(), before + 1);
  t.ok(lines.some((line) => line.includes('password_confirmation_failed')));
  for (const proof of [{}, { password: '' }])
    t.equal(codeOf(await stepUp(pair, proof)), '401 proof_refused', JSON.stringify(proof));
  const { body } = await stepUp(pair, {});
  t.equal(body.recovery, 'none');
  const bad = [
    { password: 42 },
    { password: null },
    { password: PASSWORD, code: '123456' },
    { password: 'a\0b' },
  ];
  for (const proof of bad)
    t.equal(codeOf(await stepUp(pair, proof)), '400 invalid_request', JSON.stringify(proof));
  t.equal(codeOf(await refreshPair(pair)), '200');
});

t.test('wrong proofs are counted as attempts', async (t) => {
  const { logInByPassword, stepUp, verifications } = await startService(t);
  const pair = await logInByPassword();
  for (let n = 0; n < 5; n += 1)
    t.equal(codeOf(await stepUp(pair, { password: 'a wrong piano 42' })), '401 proof_refused');
  const before = verifications();
  const refused = await stepUp(pair);
  t.equal(codeOf(refused), '429 too_many_requests');
  t.ok(Number(refused.headers.get('retry-after')) > 0);
  t.equal(verifications(), before, 'the password is not verified');
});

t.test('a retry with the same Idempotency-Key gets the same pair, whatever the proof', async (t) => {
  const { logInByPassword, stepUp, time, verifications } = await startService(t);
  const first = await logInByPassword();
  const second = await stepUp(first, undefined, key('k'));
  const before = verifications();
  time.now += 1_000;
  for (const proof of [{ password: PASSWORD }, { password: 'a wrong piano 42' }, {}]) {
    const again = await stepUp(first, proof, key('k'));
    t.same([again.body.access, again.body.refresh], [second.body.access, second.body.refresh]);
  }
  t.equal(verifications(), before, 'no proof is verified');
  t.equal(codeOf(await stepUp(second.body, undefined, key('k'))), '422 idempotency_key_reused');
});

t.test('a refresh and a step-up with the same Idempotency-Key are not retries of each other', async (t) => {
  const { logInByPassword, stepUp, refreshPair } = await startService(t);
  const first = await logInByPassword();
  t.equal(codeOf(await stepUp(first, undefined, key('k'))), '200');
  t.equal(codeOf(await refreshPair(first, key('k'))), '401 token_reused');
  const other = await logInByPassword();
  t.equal(codeOf(await refreshPair(other, key('k'))), '200');
  t.equal(codeOf(await stepUp(other, undefined, key('k'))), '401 token_reused');
  const third = await logInByPassword();
  const next = await refreshPair(third, key('k'));
  t.equal(codeOf(await stepUp(next.body, undefined, key('k'))), '200', 'the key of another operation');
});

t.test('a retry within the retry window never gets the pair of a step-up', async (t) => {
  const { logInByPassword, stepUp, refreshPair } = await startService(t, { policy: { retryWindow: 10_000 } });
  const first = await logInByPassword();
  const second = await refreshPair(first);
  t.equal((await refreshPair(first)).body.refresh, second.body.refresh, 'a refresh can be retried');
  t.equal(codeOf(await stepUp(second.body)), '200');
  t.equal(codeOf(await refreshPair(second.body)), '401 token_reused');
  const other = await logInByPassword();
  t.equal(codeOf(await stepUp(other)), '200');
  t.equal(codeOf(await stepUp(other)), '401 token_reused', 'a step-up cannot be retried without a key');
  const third = await logInByPassword();
  const raised = await stepUp(third);
  const next = await refreshPair(raised.body);
  t.equal((await refreshPair(raised.body)).body.refresh, next.body.refresh, 'a later refresh can be retried');
});

t.test('reuse is detected whatever the proof is', async (t) => {
  const { logInByPassword, stepUp, refreshPair, verifications } = await startService(t);
  const first = await logInByPassword();
  const { body: second } = await stepUp(first);
  const before = verifications();
  t.equal(codeOf(await stepUp(first, { password: 'a wrong piano 42' })), '401 token_reused');
  t.equal(codeOf(await refreshPair(second)), '401 session_revoked');
  t.equal(verifications(), before);
});

t.test('a user without an account cannot step up, and the session stays live', async (t) => {
  const { post, stepUp, refreshPair } = await startService(t);
  const { body } = await post('/auth/login?userId=6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11');
  t.equal(codeOf(await stepUp(body)), '404 not_found');
  t.equal(codeOf(await refreshPair(body)), '200');
});

t.test('a step-up replaces the authentication that a service key stated', async (t) => {
  const { post, stepUp, userId } = await startService(t);
  const { body } = await post(`/auth/login?userId=${userId}&amr=otp%20mfa&acr=aal2&authTime=1`);
  t.match(claimsOf(String((await stepUp(body)).body.access)), { amr: ['pwd'], acr: 'aal1' });
});

t.test('a confidential session can step up only with its service key', async (t) => {
  const { post, stepUp, userId } = await startService(t);
  const withKey = { 'x-api-key': CONFIDENTIAL_KEY };
  const { body } = await post(`/auth/login?userId=${userId}`, undefined, withKey);
  t.equal(codeOf(await stepUp(body)), '401 unauthenticated');
  t.equal(codeOf(await stepUp(body, undefined, withKey)), '200');
});

t.test('a session of any door can step up', async (t) => {
  const { post, stepUp, userId, url, time } = await startService(t);
  const opened = await fetch(`${url}/${userId}`);
  const cookies = opened.headers.getSetCookie().join();
  const [, access] = /access_token=([^;]+)/.exec(cookies) ?? [];
  const [, refresh] = /refresh_token=([^;]+)/.exec(cookies) ?? [];
  const bySessionId = (await post('/api/v1/auth/login', { guid: userId })).body;
  const byTaskApi = (await post('/api/v1/login/', { username: 'ann', password: PASSWORD })).body;
  time.now += MINUTE;
  for (const [name, pair] of Object.entries({
    'cookie-pair': { access, refresh },
    'session-id': { refresh: Buffer.from(String(bySessionId.refresh_token), 'base64').toString() },
    'task-api': { refresh: byTaskApi.refresh },
  })) {
    const { status, body } = await stepUp(pair);
    t.equal(status, 200, name);
    t.equal(claimsOf(String(body.access)).auth_time, Math.floor(time.now / 1000), name);
  }
});

t.test('step-ups are counted as refreshes', async (t) => {
  const { logInByPassword, stepUp, url } = await startService(t);
  const pair = await logInByPassword();
  await stepUp(pair, {});
  await stepUp(pair);
  const text = await (await fetch(`${url}/metrics`)).text();
  t.match(text, /^auth_refresh_success_total 1$/m);
  t.match(text, /^auth_refresh_failed_total\{reason="proof_refused"\} 1$/m);
});
