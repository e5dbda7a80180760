import { nonceOf, softwareAuthenticator } from '../../support/authenticator.ts';
import {
  addAuthenticatorApp,
  bearer,
  logIn,
  logInWithCode,
  registerAndLogIn,
} from '../../support/factors.ts';
import { NOW } from '../../support/families.ts';
import { PASSWORD } from '../../support/passwords.ts';
import {
  assertUnchanged,
  databaseTest,
  outcomeOf,
  type ServiceOnDatabase,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const REFUSED = '401 proof_refused';

const answer = async (service: ServiceOnDatabase, values: object) =>
  outcomeOf(await service.post('/auth/login/second-factor', values));

const challengeOf = async (service: ServiceOnDatabase, username: string) =>
  String((await logIn(service, username)).body.challenge);

/** Two users, each with an authenticator app and recovery codes. */
async function twoUsers(service: ServiceOnDatabase) {
  const make = async (username: string) => {
    const user = await registerAndLogIn(service, username);
    const app = await addAuthenticatorApp(service, user);
    const { body } = await service.post('/auth/factors/recovery-codes', undefined, bearer(user));
    return { ...user, app, codes: body.codes as string[] };
  };
  return { ann: await make('ann'), eve: await make('eve') };
}

const sessionsOf = async ({ sql }: ServiceOnDatabase, userId: string) =>
  (await sql`select from token_families where user_id = ${userId}`).count;

databaseTest('a challenge takes only the proofs of its own account', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
  const { ann, eve } = await twoUsers(service);
  const challenge = await challengeOf(service, 'ann');
  t.equal(await answer(service, { challenge, code: eve.app.code() }), REFUSED, 'another code');
  t.equal(await answer(service, { challenge, recoveryCode: eve.codes[0] }), REFUSED, 'another recovery code');
  t.equal(await sessionsOf(service, ann.id), 1);
  t.equal(
    await answer(service, { challenge: await challengeOf(service, 'eve'), code: eve.app.code() }),
    '200',
  );
  t.equal(await sessionsOf(service, ann.id), 1);
});

databaseTest(
  'altered and expired challenges, and challenges of another service, change nothing',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
    const { ann } = await twoUsers(service);
    const stranger = await serviceOnDatabase(t, sql, { time: service.time });
    const challenge = await challengeOf(service, 'ann');
    const [header = '', ...rest] = challenge.split('.');
    const swapped = Buffer.from('{"alg":"none"}').toString('base64url');
    const cases: Record<string, string> = {
      empty: '',
      'no JWE': 'x',
      'another header': [swapped, ...rest].join('.'),
      'without its tag': [header, ...rest.slice(0, -1), ''].join('.'),
      'an access token': ann.access,
      'a refresh token': ann.refresh,
      'of another service': await challengeOf(stranger, 'ann'),
      'a sealed secret of the database': String(
        (await sql`select sealed_secret from user_factors limit 1`)[0]?.sealed_secret,
      ),
    };
    for (let position = 0; position < challenge.length; position += 11) {
      const letter = challenge[position] === 'A' ? 'B' : 'A';
      cases[`altered at ${position}`] = challenge.slice(0, position) + letter + challenge.slice(position + 1);
    }
    for (const [name, text] of Object.entries(cases)) {
      const request = () => answer(service, { challenge: text, code: ann.app.code() });
      t.equal(await assertUnchanged(t, sql, request, name), REFUSED, name);
    }
    service.time.now += 300_000;
    const late = () => answer(service, { challenge, code: ann.app.code() });
    t.equal(await assertUnchanged(t, sql, late, 'expired'), REFUSED);
  },
);

databaseTest('of 40 parallel guesses at one challenge the service checks five', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
  const { ann } = await twoUsers(service);
  const challenge = await challengeOf(service, 'ann');
  const guesses = Array.from({ length: 40 }, (_, n) => ({ challenge, code: String(n).padStart(6, '0') }));
  const outcomes = await Promise.all(guesses.map((guess) => answer(service, guess)));
  t.notOk(outcomes.includes('200'));
  t.equal(outcomes.filter((outcome) => outcome === REFUSED).length, 10, 'the limit of the account');
  const [row] = await sql`select answers, is_used from login_challenges`;
  t.same({ ...row }, { answers: 5, is_used: false });
  t.equal(await sessionsOf(service, ann.id), 1);
});

databaseTest(
  'parallel uses of one code, one recovery code and one challenge open one session',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
    const { ann } = await twoUsers(service);
    const five = <T>(use: () => Promise<T>) => Promise.all(Array.from({ length: 5 }, use));
    const expectOne = async (name: string, outcomes: Promise<string[]>) =>
      t.same((await outcomes).sort(), ['200', REFUSED, REFUSED, REFUSED, REFUSED], name);
    const code = ann.app.code();
    await expectOne(
      'one code',
      five(async () => answer(service, { challenge: await challengeOf(service, 'ann'), code })),
    );
    const recoveryCode = ann.codes[0];
    const challenges = await five(() => challengeOf(service, 'ann'));
    await expectOne(
      'one recovery code',
      Promise.all(challenges.map((challenge) => answer(service, { challenge, recoveryCode }))),
    );
    const challenge = await challengeOf(service, 'ann');
    const codes = ann.codes.slice(1, 6);
    await expectOne(
      'one challenge',
      Promise.all(codes.map((one) => answer(service, { challenge, recoveryCode: one }))),
    );
    t.equal(await sessionsOf(service, ann.id), 4);
    const { body } = await service.send('/auth/factors', { headers: bearer(ann) });
    t.equal(body.recoveryCodes, 8, 'the codes of refused answers are still valid');
  },
);

databaseTest(
  'with a session and the password alone the password of an account with a second factor cannot be changed',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
    const { ann } = await twoUsers(service);
    const thief = await service.open({ userId: ann.id });
    const change = { currentPassword: PASSWORD, newPassword: 'a yellow piano 43' };
    for (const access of [thief.accessToken, ann.access]) {
      const attempt = () => service.post('/auth/password', change, bearer({ access }));
      const refused = await assertUnchanged(t, sql, attempt, 'no session ends');
      t.equal(outcomeOf(refused), '401 step_up_required');
      t.match(refused.headers.get('www-authenticate'), /max_age=600, acr_values="aal2"/);
    }
    const headers = await logInWithCode(service, 'ann', ann.app.code());
    t.equal((await service.post('/auth/password', change, headers)).status, 204);
  },
);

databaseTest(
  'a login that began with the old password cannot be completed after a change of the password',
  async (t, sql) => {
    const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
    const { ann } = await twoUsers(service);
    const headers = await logInWithCode(service, 'ann', ann.app.code());
    let currentPassword = PASSWORD;
    for (let round = 0; round < 5; round += 1) {
      const challenge = String((await logIn(service, 'ann', currentPassword)).body.challenge);
      const newPassword = `a yellow piano ${round}`;
      const [outcome, changed] = await Promise.all([
        answer(service, { challenge, recoveryCode: ann.codes[round] }),
        service.post('/auth/password', { currentPassword, newPassword }, headers),
      ]);
      t.equal(changed.status, 204);
      currentPassword = newPassword;
      const [{ living } = { living: -1 }] = await sql<{ living: number }[]>`
      select count(*)::int as living from token_families where user_id = ${ann.id} and revoked_at is null`;
      t.equal(living, 1, `${outcome}: only the session of the change is left`);
      t.equal(await answer(service, { challenge, recoveryCode: ann.codes[9] }), REFUSED);
    }
  },
);

databaseTest('a factor that is added during a login is required at the next login', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
  for (let round = 0; round < 5; round += 1) {
    const user = await registerAndLogIn(service, `user${round}`);
    const [, first, second] = await Promise.all([
      addAuthenticatorApp(service, user),
      logIn(service, user.username),
      logIn(service, user.username),
    ]);
    for (const { status, body } of [first, second])
      t.ok(status === 200 || body.code === 'second_factor_required', `${status} ${body.code}`);
    t.match(await logIn(service, user.username), { body: { code: 'second_factor_required' } });
  }
});

/** A passkey of the account. */
async function addPasskey(service: ServiceOnDatabase, access: string) {
  const key = softwareAuthenticator();
  const headers = bearer({ access });
  const begun = (await service.post('/auth/factors/passkeys/options', undefined, headers)).body;
  const credential = key.create(nonceOf(begun));
  await service.post('/auth/factors/passkeys', { challenge: begun.challenge, credential }, headers);
  return key;
}

databaseTest('one assertion opens one session, and wrong ones store nothing', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
  const ann = await registerAndLogIn(service);
  const key = await addPasskey(service, ann.access);
  const begin = async () => (await service.post('/auth/login/passkey/options')).body;
  const send = async (challenge: unknown, assertion: object) =>
    outcomeOf(await service.post('/auth/login/passkey', { challenge, assertion }));

  const [one, other] = [await begin(), await begin()];
  const strangers = softwareAuthenticator();
  const right = key.get(nonceOf(one));
  const wrong: Record<string, [unknown, object]> = {
    'an unknown passkey': [one.challenge, strangers.get(nonceOf(one))],
    'the id of another passkey': [
      one.challenge,
      { ...strangers.get(nonceOf(one)), id: key.id, rawId: key.id },
    ],
    'the answer to another challenge': [one.challenge, key.get(nonceOf(other))],
    'no signature': [one.challenge, { ...right, response: { ...right.response, signature: '' } }],
    'no data': [one.challenge, { ...right, response: { ...right.response, authenticatorData: '' } }],
    'an altered challenge': [`${one.challenge}A`, right],
    'an access token': [ann.access, right],
  };
  for (const [name, [challenge, assertion]] of Object.entries(wrong))
    t.equal(await assertUnchanged(t, sql, () => send(challenge, assertion), name), REFUSED, name);
  await assertUnchanged(t, sql, () => Promise.all(Array.from({ length: 20 }, begin)), 'options');

  const outcomes = await Promise.all(Array.from({ length: 10 }, () => send(one.challenge, right)));
  t.same(outcomes.sort(), ['200', ...Array(9).fill(REFUSED)]);
  t.equal(await sessionsOf(service, ann.id), 2);
});

databaseTest('a passkey that is removed during a login completes no later login', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
  const ann = await registerAndLogIn(service);
  const key = await addPasskey(service, ann.access);
  const { body } = await service.send('/auth/factors', { headers: bearer(ann) });
  const [factor] = body.items as { id: string }[];
  const begin = async () => (await service.post('/auth/login/passkey/options')).body;
  const send = (begun: Record<string, unknown>) =>
    service.post('/auth/login/passkey', { challenge: begun.challenge, assertion: key.get(nonceOf(begun)) });
  const [early, late] = [await begin(), await begin()];
  const [outcome, removed] = await Promise.all([
    send(early),
    service.send(`/auth/factors/${factor?.id}`, { method: 'DELETE', headers: bearer(ann) }),
  ]);
  t.equal(removed.status, 204);
  t.ok(outcome.status === 200 || outcome.body.code === 'proof_refused');
  t.equal(outcomeOf(await send(late)), REFUSED);
});

databaseTest('one code steps up only one of two sessions', async (t, sql) => {
  const service = await serviceOnDatabase(t, sql, { time: { now: NOW } });
  const { ann } = await twoUsers(service);
  const other = (await service.post(`/auth/login?userId=${ann.id}`)).body;
  const stepUp = async ({ access, refresh }: Record<string, unknown>, proof: object) =>
    outcomeOf(await service.post('/auth/step-up', { accessToken: access, refreshToken: refresh, ...proof }));
  t.equal(await stepUp(other, { password: PASSWORD }), REFUSED, 'the password alone steps up no session');
  const code = ann.app.code();
  const outcomes = await Promise.all([stepUp({ ...ann }, { code }), stepUp(other, { code })]);
  t.same(outcomes.sort(), ['200', REFUSED]);
});
