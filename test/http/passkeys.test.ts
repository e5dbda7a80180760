import t from 'tap';
import { softwareAuthenticator } from '../support/authenticator.ts';
import { addAuthenticatorApp, bearer, logIn, registerAndLogIn } from '../support/factors.ts';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

const MINUTE = 60_000;
const REFUSED = { status: 401, body: { code: 'proof_refused' } };

type WithAccess = { readonly access: string };
type Authenticator = ReturnType<typeof softwareAuthenticator>;
type Deviations = Parameters<Authenticator['get']>[1];

interface Begun {
  readonly challenge: string;
  readonly publicKey: { readonly challenge: string } & Record<string, unknown>;
}

const begunBy = ({ body }: { readonly body: Record<string, unknown> }) => body as unknown as Begun; // the test reads what the route answers

async function begin({ post }: HttpService, signed: WithAccess): Promise<Begun> {
  return begunBy(await post('/auth/factors/passkeys/options', undefined, bearer(signed)));
}

/** Adds a passkey to the account. */
async function add(
  service: HttpService,
  signed: WithAccess,
  key: Authenticator,
  deviations: Deviations = {},
) {
  const { challenge, publicKey } = await begin(service, signed);
  const credential = key.create(publicKey.challenge, deviations);
  return service.post('/auth/factors/passkeys', { challenge, credential, label: 'Laptop' }, bearer(signed));
}

const beginLogin = async ({ post }: HttpService) => begunBy(await post('/auth/login/passkey/options'));

/** Logs in without a password. */
async function logInBy(
  service: HttpService,
  key: Authenticator,
  deviations: Deviations = {},
  more: object = {},
) {
  const { challenge, publicKey } = await beginLogin(service);
  const assertion = key.get(publicKey.challenge, deviations);
  return service.post('/auth/login/passkey', { challenge, assertion, ...more });
}

t.test('a passkey with a credential id of 1,023 bytes is added, and a longer one is refused', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const longest = softwareAuthenticator({ idLength: 1_023 });
  t.match(await add(service, ann, longest), { status: 201 });
  t.match(await logInBy(service, longest), { status: 200 });
  for (const idLength of [1_024, 3_000]) {
    const { challenge, publicKey } = await begin(service, ann);
    const credential = softwareAuthenticator({ idLength }).create(publicKey.challenge);
    const post = (members: object) => {
      const body = { challenge, credential: { ...credential, ...members }, label: 'Laptop' };
      return service.post('/auth/factors/passkeys', body, bearer(ann));
    };
    t.match(await post({}), { status: 400, body: { code: 'invalid_request' } });
    const short = 'a'.repeat(16);
    t.match(await post({ id: short, rawId: short }), {
      status: 400,
      body: { code: 'invalid_request', detail: /more than 1,023 bytes/ },
    });
  }
});

t.test('a passkey is added, and is listed without its key', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const key = softwareAuthenticator();
  const begun = await begin(service, ann);
  t.match(begun.publicKey, {
    rp: { id: 'localhost', name: 'auth.example.com' },
    user: { id: Buffer.from(ann.id).toString('base64url'), name: 'ann' },
    excludeCredentials: { length: 0 },
    authenticatorSelection: { residentKey: 'required' },
    attestation: 'none',
  });
  const added = await add(service, ann, key);
  t.match(added, { status: 201, body: { id: /^[0-9a-f-]{36}$/ } });
  t.match(await add(service, ann, key), { status: 409, body: { code: 'conflict' } }, 'once');
  const { body } = await service.send('/auth/factors', { headers: bearer(ann) });
  const createdAt = new Date(service.time.now).toISOString();
  t.same(body.items, [{ id: added.body.id, kind: 'passkey', label: 'Laptop', createdAt }]);
  t.same((await begin(service, ann)).publicKey.excludeCredentials, [
    { id: key.id, type: 'public-key', transports: ['internal'] },
  ]);
  const mails = await service.outbox.claim('mail', Number.MAX_SAFE_INTEGER, 0, 10);
  t.match(
    mails.map(({ event }) => event),
    [{ type: 'users.factor_added', data: { kind: 'passkey', factorId: added.body.id } }],
  );
});

t.test('an attestation statement is ignored, so the service follows none of its certificates', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  for (const format of ['android-key', 'packed', 'tpm', 'apple', 'unknown']) {
    t.equal((await add(service, ann, softwareAuthenticator(), { format })).status, 201, format);
  }
});

t.test('a passkey is the second factor of a login by password', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const key = softwareAuthenticator({ counts: true });
  await add(service, ann, key);
  const first = async () => begunBy(await logIn(service, 'ann'));
  const { publicKey, ...body } = await first();
  t.match(body, { code: 'second_factor_required', kinds: ['passkey'] });
  t.match(publicKey, {
    rpId: 'localhost',
    userVerification: 'preferred',
    allowCredentials: [{ id: key.id, type: 'public-key' }],
  });
  const answer = (challenge: string, assertion: object) =>
    service.post('/auth/login/second-factor', { challenge, assertion });
  const assertion = key.get(publicKey.challenge, { verified: false });
  const pair = await answer(body.challenge, assertion);
  t.equal(pair.status, 200);
  t.match(claimsOf(String(pair.body.access)), { amr: ['pwd', 'user', 'hwk', 'mfa'], acr: 'aal2' });
  t.match(await answer(body.challenge, assertion), REFUSED, 'a replay');
  const next = await first();
  t.match(await answer(next.challenge, assertion), REFUSED, 'of another challenge');
  t.match(
    await answer(next.challenge, key.get(next.publicKey.challenge, { signCount: 1 })),
    REFUSED,
    'a sign count that does not grow',
  );
  t.match(await answer(next.challenge, softwareAuthenticator().get(next.publicKey.challenge)), REFUSED);
  t.equal((await answer(next.challenge, key.get(next.publicKey.challenge))).status, 200);
});

t.test('a passkey logs its owner in without name and password', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const key = softwareAuthenticator({ synced: true });
  await add(service, ann, key);
  const begun = await beginLogin(service);
  t.match(begun.publicKey, { rpId: 'localhost', userVerification: 'required' });
  t.same(begun.publicKey.allowCredentials, []);
  const pair = await logInBy(service, key);
  t.equal(pair.status, 200);
  const claims = claimsOf(String(pair.body.access));
  t.match(claims, { sub: ann.id, amr: ['user', 'swk', 'mfa'], acr: 'aal2' });
  const unpaired = (await logInBy(service, key, {}, { binding: 'refresh' })).body;
  t.equal((await service.post('/auth/refresh', { refreshToken: unpaired.refresh })).status, 200);
  const short = claimsOf(String((await logInBy(service, key, {}, { remember: false })).body.access));
  const family = await service.families.find(String(short.sid));
  t.equal(family && family.expiresAt - family.createdAt <= service.policy.sessionShortAge, true);
});

t.test('logins by passkey share the limit of logins of their network', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const key = softwareAuthenticator();
  await add(service, ann, key);
  const assertion = key.get('AAAA');
  const guess = () => service.post('/auth/login/passkey', { challenge: 'AAAA', assertion });
  for (let n = 0; n < 299; n += 1) t.match(await guess(), REFUSED);
  const refused = await logInBy(service, key);
  t.match(refused, { status: 429, body: { code: 'too_many_requests' } });
  t.match(refused.headers.get('ratelimit-policy'), /login-rate-network/);
  service.time.now += MINUTE;
  t.equal((await logInBy(service, key)).status, 200);
});

t.test(
  'amr contains mfa only if two factors were shown, and a passkey without user verification is one factor',
  async (t) => {
    const service = await startHttpService(t);
    const ann = await registerAndLogIn(service);
    const key = softwareAuthenticator({ synced: true });
    await add(service, ann, key, { verified: false });
    const unverified = { verified: false };
    const { challenge, publicKey } = begunBy(await logIn(service, 'ann'));
    const assertion = key.get(publicKey.challenge, unverified);
    const afterPassword = (await service.post('/auth/login/second-factor', { challenge, assertion })).body;
    t.match(claimsOf(String(afterPassword.access)), { amr: ['pwd', 'user', 'swk', 'mfa'], acr: 'aal2' });

    t.match(await logInBy(service, key, unverified), REFUSED, 'a login by the key alone');
    const begun = begunBy(await service.post('/auth/step-up/options'));
    const proof = { challenge: begun.challenge, assertion: key.get(begun.publicKey.challenge, unverified) };
    const pair = { refreshToken: ann.refresh, accessToken: ann.access };
    t.match(claimsOf(ann.access), { amr: ['pwd'], acr: 'aal1' });
    t.match(
      await service.post('/auth/step-up', { ...pair, ...proof }),
      REFUSED,
      'a step-up by the key alone',
    );
  },
);

t.test('a login by passkey refuses every wrong answer', async (t) => {
  const service = await startHttpService(t);
  const ann = await registerAndLogIn(service);
  const key = softwareAuthenticator({ counts: true });
  await add(service, ann, key);
  const wrongAnswers: Record<string, Deviations> = {
    'another origin': { origin: 'https://evil.example' },
    'another RP ID': { rpId: 'evil.example' },
    'another ceremony': { type: 'webauthn.create' },
    'a user who was not verified': { verified: false },
    'a sign count that does not grow': { signCount: 0 },
  };
  for (const [name, deviations] of Object.entries(wrongAnswers))
    t.match(await logInBy(service, key, deviations), REFUSED, name);
  t.match(await logInBy(service, softwareAuthenticator()), REFUSED, 'an unknown passkey');

  const [used, other] = [await beginLogin(service), await beginLogin(service)];
  const send = (challenge: string, assertion: object) =>
    service.post('/auth/login/passkey', { challenge, assertion });
  t.match(await send(used.challenge, key.get(other.publicKey.challenge)), REFUSED, 'another challenge');
  const assertion = key.get(used.publicKey.challenge);
  const { response } = assertion;
  const bytes = Buffer.from(response.signature, 'base64url');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  const altered = { ...assertion, response: { ...response, signature: bytes.toString('base64url') } };
  t.match(await send(used.challenge, altered), REFUSED, 'an altered signature');
  t.equal((await send(used.challenge, assertion)).status, 200, 'no wrong answer used the challenge up');
  t.match(await send(used.challenge, key.get(used.publicKey.challenge)), REFUSED, 'a used challenge');

  const first = begunBy(await logIn(service, 'ann'));
  t.match(
    await send(first.challenge, key.get(first.publicKey.challenge)),
    REFUSED,
    'a challenge of a second step',
  );
  const second = { challenge: other.challenge, assertion: key.get(other.publicKey.challenge) };
  t.match(await service.post('/auth/login/second-factor', second), REFUSED, 'and the reverse');
  service.time.now += 5 * MINUTE;
  t.match(await send(other.challenge, key.get(other.publicKey.challenge)), REFUSED, 'expired');
});

t.test(
  'a new passkey is refused for another account, after a change of the account, and in a wrong form',
  async (t) => {
    const service = await startHttpService(t);
    const [ann, bob] = [await registerAndLogIn(service), await registerAndLogIn(service, 'bob')];
    const send = (signed: WithAccess, { challenge, publicKey }: Begun, deviations: Deviations = {}) => {
      const credential = softwareAuthenticator().create(publicKey.challenge, deviations);
      return service.post('/auth/factors/passkeys', { challenge, credential }, bearer(signed));
    };
    t.match(await send(bob, await begin(service, ann)), REFUSED, 'the challenge of another user');
    const begun = await begin(service, ann);
    for (const deviations of [
      { origin: 'https://evil.example' },
      { rpId: 'evil.example' },
      { type: 'webauthn.get' },
    ])
      t.match(await send(ann, begun, deviations), REFUSED, JSON.stringify(deviations));
    t.match(await send(ann, { ...begun, publicKey: { challenge: 'AAAA' } }), REFUSED, 'another nonce');
    await addAuthenticatorApp(service, ann);
    t.match(await send(ann, begun), REFUSED, 'the account has changed');
    const fresh = await begin(service, ann);
    service.time.now += 5 * MINUTE;
    t.match(await send(ann, fresh), REFUSED, 'expired');
    service.time.now += 5 * MINUTE;
    t.equal(
      (await service.post('/auth/factors/passkeys/options', undefined, bearer(bob))).status,
      401,
      'not recent',
    );
    const { status } = await service.post(
      '/auth/factors/passkeys/options',
      { password: PASSWORD },
      bearer(bob),
    );
    t.equal(status, 200);
  },
);

t.test(
  'a door without a second step refuses an account with a passkey, and a removed passkey logs no user in',
  async (t) => {
    const service = await startHttpService(t);
    const ann = await registerAndLogIn(service);
    const key = softwareAuthenticator();
    const { id } = (await add(service, ann, key)).body;
    t.equal((await service.post('/api/v1/login/', { username: 'ann', password: PASSWORD })).status, 403);
    await service.send(`/auth/factors/${id}`, { method: 'DELETE', headers: bearer(ann) });
    t.match(await logInBy(service, key), REFUSED);
    t.equal((await logIn(service, 'ann')).status, 200);
  },
);

t.test(
  'wrong passkey assertions at logins are recorded in the audit log, at most ten in an hour',
  async (t) => {
    const service = await startHttpService(t);
    const ann = await registerAndLogIn(service);
    const key = softwareAuthenticator();
    await add(service, ann, key);
    const refuse = async () => {
      const { challenge } = await beginLogin(service);
      const assertion = key.get('another challenge');
      t.match(await service.post('/auth/login/passkey', { challenge, assertion }), REFUSED);
    };
    const listRefusals = async () => {
      const path = '/admin/audit?type=users.proof_refused&limit=100';
      const { body } = await service.send(path, { headers: { 'x-api-key': service.adminKey } });
      return body.data as unknown[];
    };
    await refuse();
    t.match(await listRefusals(), [{ userId: ann.id, actor: { kind: 'user' } }]);
    for (let count = 0; count < 12; count += 1) await refuse();
    t.equal((await listRefusals()).length, 10);
    t.equal((await logInBy(service, key)).status, 200, 'the owner is not locked out');
  },
);
