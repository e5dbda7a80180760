import t, { type Test } from 'tap';
import { addAuthenticatorApp, bearer, registerAndLogIn, STEP } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

/** The service with ann, who has added an authenticator app and recovery codes in a session that a password opened. */
async function userWithFactor(t: Test) {
  const service = await startHttpService(t);
  const { post } = service;
  const ann = await registerAndLogIn(service);
  const app = await addAuthenticatorApp(service, ann);
  const { body } = await post('/auth/factors/recovery-codes', undefined, bearer(ann));
  const [recoveryCode] = body.codes as string[];
  const pair = { refreshToken: ann.refresh, accessToken: ann.access };
  const stepUp = (proof: object) => post('/auth/step-up', { ...pair, ...proof });
  const wrong = () => ({ code: app.code() === '000000' ? '000001' : '000000' });
  return { ...service, ann, app, recoveryCode, pair, stepUp, wrong };
}

const REFUSED = { status: 401, body: { code: 'proof_refused' } };
const RAISED = { amr: ['otp', 'mfa'], acr: 'aal2' };

t.test('the password cannot step up a session of an account with a second factor', async (t) => {
  const { post, pair, stepUp, app, ann, verifications } = await userWithFactor(t);
  t.match(claimsOf(ann.access), { amr: ['pwd'], acr: 'aal1' });
  const before = verifications();
  t.match(await stepUp({ password: PASSWORD }), REFUSED);
  t.equal(verifications(), before, 'the password is not even verified');
  const raised = await stepUp({ code: app.code() });
  t.equal(raised.status, 200, 'nothing was rotated before');
  t.match(claimsOf(String(raised.body.access)), RAISED);
  t.match(await post('/auth/refresh', pair), { status: 401, body: { code: 'token_reused' } });
});

t.test('a recovery code steps up a session once', async (t) => {
  const { post, recoveryCode, stepUp } = await userWithFactor(t);
  const { status, body } = await stepUp({ recoveryCode });
  t.equal(status, 200);
  t.match(claimsOf(String(body.access)), RAISED);
  const next = { refreshToken: body.refresh, accessToken: body.access };
  t.match(await post('/auth/step-up', { ...next, recoveryCode }), REFUSED);
});

t.test('right codes do not count as failed attempts', async (t) => {
  const { post, time, app, pair } = await userWithFactor(t);
  let { accessToken, refreshToken } = pair;
  for (let n = 0; n < 15; n += 1) {
    const { status, body } = await post('/auth/step-up', { accessToken, refreshToken, code: app.code() });
    t.equal(status, 200);
    [accessToken, refreshToken] = [String(body.access), String(body.refresh)];
    time.now += STEP;
  }
});

t.test('after ten wrong codes further codes are delayed, also right ones', async (t) => {
  const { post, pair, stepUp, wrong, app, recoveryCode } = await userWithFactor(t);
  for (let n = 0; n < 10; n += 1) t.match(await stepUp(wrong()), REFUSED);
  for (const proof of [{ code: app.code() }, { recoveryCode }]) {
    const limited = await stepUp(proof);
    t.match(limited, { status: 429, body: { code: 'too_many_requests' } });
    t.equal(limited.headers.get('retry-after'), '30');
    t.match(limited.headers.get('ratelimit-policy'), /^"proof-account"/);
  }
  t.equal((await post('/auth/refresh', pair)).status, 200, 'the session continues');
});
