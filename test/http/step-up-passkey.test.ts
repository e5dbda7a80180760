import t, { type Test } from 'tap';
import { nonceOf, softwareAuthenticator } from '../support/authenticator.ts';
import { bearer, logIn, registerAndLogIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { startHttpService } from '../support/http.ts';

const MINUTE = 60_000;

/** The service with ann, who has a passkey and a session. She opened the session before she added the passkey. */
async function withPasskey(t: Test, synced = false) {
  const service = await startHttpService(t);
  const { post, time } = service;
  const authenticator = softwareAuthenticator({ synced });
  const ann = await registerAndLogIn(service);
  const begun = (await post('/auth/factors/passkeys/options', {}, bearer(ann))).body;
  const credential = authenticator.create(nonceOf(begun));
  await post('/auth/factors/passkeys', { challenge: begun.challenge, credential }, bearer(ann));
  time.now += 11 * MINUTE;
  const pair = { refreshToken: ann.refresh, accessToken: ann.access };

  async function options() {
    const { body } = await post('/auth/step-up/options');
    return { challenge: String(body.challenge), nonce: nonceOf(body), publicKey: body.publicKey };
  }

  async function proof(deviations = {}) {
    const { challenge, nonce } = await options();
    return { challenge, assertion: authenticator.get(nonce, deviations) };
  }
  const stepUp = (proof: object, tokens = pair) => post('/auth/step-up', { ...tokens, ...proof });
  return { ...service, ann, pair, authenticator, options, proof, stepUp };
}

const REFUSED = { status: 401, body: { code: 'proof_refused' } };

for (const [synced, key] of [
  [true, 'swk'],
  [false, 'hwk'],
] as const)
  t.test(`a step-up by a passkey (${key}) has the level aal2`, async (t) => {
    const { stepUp, proof, options, post, ann } = await withPasskey(t, synced);
    t.match((await options()).publicKey, { userVerification: 'required', allowCredentials: { length: 0 } });
    const old = await post('/auth/factors/recovery-codes', {}, bearer(ann));
    t.match(old, { status: 401, body: { code: 'step_up_required' } });
    const { status, body } = await stepUp(await proof());
    t.equal(status, 200);
    t.match(claimsOf(String(body.access)), { amr: ['user', key, 'mfa'], acr: 'aal2' });
    const made = await post('/auth/factors/recovery-codes', {}, bearer({ access: String(body.access) }));
    t.equal(made.status, 200);
  });

t.test('an assertion is accepted once, whatever the session', async (t) => {
  const { stepUp, proof, post, authenticator, ann } = await withPasskey(t, true);
  const given = await proof();
  const next = (await stepUp(given)).body;
  const pair = { refreshToken: String(next.refresh), accessToken: String(next.access) };
  t.match(await stepUp(given, pair), REFUSED);
  const step = (await logIn({ post }, ann.username)).body;
  const login = { challenge: step.challenge, assertion: authenticator.get(nonceOf(step)) };
  const other = (await post('/auth/login/second-factor', login)).body;
  t.match(
    await stepUp(given, { refreshToken: String(other.refresh), accessToken: String(other.access) }),
    REFUSED,
  );
});

t.test('an assertion that is wrong, old or for another purpose rotates nothing', async (t) => {
  const { stepUp, proof, options, post, authenticator, time, pair } = await withPasskey(t);
  const { challenge, assertion } = await proof();
  t.match(await stepUp({ challenge: (await options()).challenge, assertion }), REFUSED, 'another challenge');
  t.match(await stepUp({ challenge: `${challenge}x`, assertion }), REFUSED, 'altered');
  t.match(await stepUp(await proof({ verified: false })), REFUSED, 'without user verification');
  t.match(await stepUp(await proof({ origin: 'https://evil.example' })), REFUSED, 'another origin');
  const stranger = softwareAuthenticator();
  const asked = await options();
  t.match(
    await stepUp({ challenge: asked.challenge, assertion: stranger.get(asked.nonce) }),
    REFUSED,
    'another passkey',
  );
  const login = (await post('/auth/login/passkey/options')).body;
  const forLogin = { challenge: login.challenge, assertion: authenticator.get(nonceOf(login)) };
  t.match(await stepUp(forLogin), REFUSED, 'the challenge of a login');
  const inverse = await post('/auth/login/passkey', await proof());
  t.match(inverse, REFUSED, 'the challenge of a step-up at the login');
  const late = await proof();
  time.now += 5 * MINUTE;
  t.match(await stepUp(late), REFUSED, 'after five minutes');
  t.equal((await post('/auth/refresh', pair)).status, 200, 'the pair was never exchanged');
});

t.test('half of a proof, or two proofs, are refused', async (t) => {
  const { stepUp, proof } = await withPasskey(t);
  const { challenge, assertion } = await proof();
  for (const body of [{ challenge }, { assertion }, { challenge, assertion, code: '123456' }])
    t.match(await stepUp(body), { status: 400, body: { code: 'invalid_request' } });
});
