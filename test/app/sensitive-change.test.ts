import t from 'tap';
import type { SensitiveRequest } from '../../src/app/accounts/sensitive-change.ts';
import type { AuthenticationClaims } from '../../src/domain/authentication.ts';
import { SecondFactorRequired } from '../../src/domain/refusal.ts';
import { nonceOf, softwareAuthenticator } from '../support/authenticator.ts';
import { claimsOf } from '../support/forge.ts';
import { HOME, outcome, REFRESH_REQUEST } from '../support/sessions.ts';
import { secretIn, totpCode } from '../support/totp.ts';
import { unlimitedUseCases } from '../support/use-cases.ts';

const PASSWORD = 'a violet piano 0';
const NEW_PASSWORD = 'a yellow piano 1';
const SESSION = { paired: true, door: 'canonical', clientId: 'kinship', client: HOME } as const;
const PRESENTED = { presented: { proof: null, ...REFRESH_REQUEST } };

/** An account without a second factor, and its first session. */
async function withPassword() {
  const { service, use } = await unlimitedUseCases('off');
  const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
  const { id: userId } = await use.register({ ...ann, client: HOME });
  const logIn = () =>
    use.logInWithPassword({ ...SESSION, ...PRESENTED, username: 'ann', password: PASSWORD });

  function requestOf({ access }: { readonly access: string }) {
    const claims = claimsOf(access) as unknown as AuthenticationClaims & { sid: string };
    return { userId, sessionId: claims.sid, authentication: claims, client: HOME };
  }

  async function addAuthenticatorApp(request: SensitiveRequest) {
    const { id, uri } = await use.addTotp({ ...request, label: 'App' });
    return { id, code: () => totpCode(secretIn(uri), service.time.now) };
  }

  return { service, use, userId, logIn, requestOf, addAuthenticatorApp, first: requestOf(await logIn()) };
}

/**
 * An account with a confirmed app, an unconfirmed app and recovery codes. It has two sessions with the second factor.
 * `thief`: the request of the session that a thief has. `owner`: the request of the other session.
 */
async function withFactor() {
  const { service, use, userId, logIn, requestOf, addAuthenticatorApp, first } = await withPassword();
  const { users, secondFactors, families, time } = service;

  async function logInWithFactor() {
    time.now += 30_000;
    const error = await logIn().catch((thrown: unknown) => thrown);
    if (!(error instanceof SecondFactorRequired)) throw new Error('The login did not ask for the factor.');
    const { challenge } = error.challenge;
    const answer = { ...PRESENTED, challenge, proof: { code: app.code() }, client: HOME };
    return requestOf(await use.logInWithSecondFactor(answer));
  }

  const app = await addAuthenticatorApp(first);
  await use.confirmTotp({ ...first, id: app.id, code: app.code() });
  await use.makeRecoveryCodes(first);
  const [thief, owner] = [await logInWithFactor(), await logInWithFactor()];
  const begun = await addAuthenticatorApp(thief);
  const passkey = await use.beginPasskey(thief);

  /** Sets a new password, which ends the session of the thief. */
  const setPassword = () =>
    users.changePassword(
      userId,
      null,
      { passwordHash: `hash of ${NEW_PASSWORD}`, except: owner.sessionId, at: time.now },
      [],
    );

  /** The owner sets a new password right after the session of the thief was found live. */
  function setPasswordAfterCheck(): void {
    const { find } = families;
    Object.assign(families, {
      async find(id: string) {
        const found = await find(id);
        Object.assign(families, { find });
        await setPassword();
        return found;
      },
    });
  }

  const state = async () => [await users.find(userId), await secondFactors.find(userId)];
  return { use, service, thief, owner, app, begun, passkey, setPassword, setPasswordAfterCheck, state };
}

type World = Awaited<ReturnType<typeof withFactor>>;

const CHANGES: Readonly<Record<string, (world: World, request: SensitiveRequest) => Promise<unknown>>> = {
  'delete the account': ({ use }, request) => use.deleteAccount(request),
  'ask for another address': ({ use }, request) =>
    use.requestEmailChange({ ...request, email: 'eve@example.com' }),
  'set another password': ({ use }, request) =>
    use.changePassword({ ...request, currentPassword: PASSWORD, newPassword: 'a purple piano 2' }),
  'add an app': ({ use }, request) => use.addTotp({ ...request, label: 'App of Eve' }),
  'confirm an app': ({ use, begun }, request) =>
    use.confirmTotp({ ...request, id: begun.id, code: begun.code() }),
  'add a passkey': ({ use, passkey }, request) =>
    use.addPasskey({
      ...request,
      challenge: passkey.challenge,
      credential: softwareAuthenticator().create(nonceOf({ ...passkey })),
      label: 'Key',
    }),
  'remove a factor': ({ use, app }, request) => use.removeFactor({ ...request, id: app.id }),
  'make recovery codes': ({ use }, request) => use.makeRecoveryCodes(request),
};

for (const [what, change] of Object.entries(CHANGES)) {
  t.test(`a session that a new password ends during its request cannot ${what}`, async (t) => {
    const world = await withFactor();
    world.setPasswordAfterCheck();
    const answer = await outcome(change(world, world.thief));
    t.equal(answer, what === 'set another password' ? 'invalid_credentials' : 'unauthenticated');
    const [user, factors] = await world.state();
    t.match(user, { passwordHash: `hash of ${NEW_PASSWORD}`, email: 'ann@example.com' });
    t.match(factors, { recoveryCodes: { length: 10 } });
    const mails = await world.service.outbox.claim(
      'mail',
      world.service.time.now,
      world.service.time.now,
      99,
    );
    t.notMatch(JSON.stringify(mails), 'eve@example.com');
  });

  t.test(`a session can ${what} if nothing changes meanwhile`, async (t) => {
    const world = await withFactor();
    t.ok(typeof (await outcome(change(world, world.thief))) !== 'string');
  });
}

t.test('a passkey whose addition began during a change of the password cannot be added', async (t) => {
  const world = await withFactor();
  world.setPasswordAfterCheck();
  const begun = await world.use.beginPasskey(world.thief);
  const credential = softwareAuthenticator().create(nonceOf({ ...begun }));
  const input = { ...world.owner, challenge: begun.challenge, credential, label: 'Key' };
  t.equal(await outcome(world.use.addPasskey(input)), 'proof_refused');
});

t.test(
  'a change that began before a new password cannot be finished after it, even in another session',
  async (t) => {
    const world = await withFactor();
    const { use, owner, thief, begun, passkey, service } = world;
    await use.requestEmailChange({ ...thief, email: 'eve@example.com' });
    const { outbox, links, time } = service;
    const [mail] = (await outbox.claim('mail', time.now, time.now, 99)).flatMap(({ event }) =>
      event.type === 'users.email_change_requested' ? [event] : [],
    );
    const token = links.makeAddressSecret(mail?.data.linkId ?? '');
    await use.checkEmailChange(token);
    await world.setPassword();
    t.equal(await outcome(use.confirmTotp({ ...owner, id: begun.id, code: begun.code() })), 'not_found');
    const credential = softwareAuthenticator().create(nonceOf({ ...passkey }));
    const input = { ...owner, challenge: passkey.challenge, credential, label: 'Key' };
    t.equal(await outcome(use.addPasskey(input)), 'proof_refused');
    t.equal(await outcome(use.changeEmail({ token, client: HOME })), 'invalid_link');
  },
);

t.test('a request with the password alone is refused if a factor is added before its change', async (t) => {
  const world = await withPassword();
  const { use, service, userId, first, addAuthenticatorApp } = world;
  const app = await addAuthenticatorApp(first);
  const { changePassword } = service.users;
  service.users.changePassword = async (...args) => {
    await use.confirmTotp({ ...first, id: app.id, code: app.code() });
    return changePassword(...args);
  };
  const change = use.changePassword({ ...first, currentPassword: PASSWORD, newPassword: NEW_PASSWORD });
  t.equal(await outcome(change), 'step_up_required');
  t.match(await service.users.find(userId), { passwordHash: `hash of ${PASSWORD}` });
});
