import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import type { SensitiveRequest } from '../../../src/app/accounts/sensitive-change.ts';
import type { IdentityProof } from '../../../src/app/accounts/verify-identity-proof.ts';
import type { FactorProof } from '../../../src/app/factors/verify-factor-proof.ts';
import { SYSTEM } from '../../../src/domain/audit.ts';
import type { AuthenticationClaims } from '../../../src/domain/authentication.ts';
import { Refusal, SecondFactorRequired } from '../../../src/domain/refusal.ts';
import { nonceOf, softwareAuthenticator } from '../../support/authenticator.ts';
import { claimsOf } from '../../support/forge.ts';
import { ELSEWHERE, HOME, REFRESH_REQUEST } from '../../support/sessions.ts';
import { secretIn, totpCode } from '../../support/totp.ts';
import { unlimitedUseCases } from '../../support/use-cases.ts';

/**
 * The invariants of second factors hold in any order of these steps. The owner knows the password, and has the app, the
 * passkeys and the recovery codes. The thief learns every password at once. The thief also learns each code and each
 * assertion after it was accepted. The thief keeps the sessions and the begun passkey from the time before the first
 * factor.
 */
const STEPS = [
  'begin',
  'confirm',
  'confirm wrongly',
  'confirm in an ended session',
  'confirm by the thief',
  'begin a passkey',
  'finish the passkey',
  'finish the passkey for the thief',
  'remove',
  'remove a passkey',
  'make codes',
  'log in',
  'log in by recovery code',
  'log in by passkey alone',
  'step up',
  'step up by passkey',
  'repeat an assertion',
  'ask for a challenge',
  'answer the challenge',
  'answer with a used code',
  'reset',
  'change the password',
  'disable and enable',
  'wait',
  'thief logs in',
  'thief answers',
  'thief steps up',
  'thief removes',
  'thief adds',
  'thief begins a passkey early',
  'thief finishes its passkey',
  'thief has another key',
  'thief makes codes',
  'thief changes the address',
  'thief changes the password',
  'thief deletes the account',
] as const;

type Step = (typeof STEPS)[number];

const STEP = 30_000;
const PRESENTED = { presented: { proof: null, ...REFRESH_REQUEST } };

interface Pair {
  readonly access: string;
  readonly refresh: string;
}

interface App {
  readonly id: string;
  readonly secret: string;
}

/** A passkey of the owner that is in use. */
interface OwnedPasskey {
  readonly id: string;
  readonly authenticator: Authenticator;
}

type Authenticator = ReturnType<typeof softwareAuthenticator>;

/**
 * An addition of a passkey that has begun: the challenge to answer, and the security version of the account at that
 * moment.
 */
interface BegunPasskey {
  readonly challenge: string;
  readonly nonce: string;
  readonly version: number;
  readonly at: number;
}

/** A challenge of the second step, and the nonce that a passkey signs. The nonce is null if no passkey may answer. */
interface SecondStep {
  readonly challenge: string;
  readonly nonce: string | null;
}

async function createWorld() {
  const { service, use } = await unlimitedUseCases('off');
  const account = { username: 'ann', email: 'ann@example.com', password: 'a violet piano 0' };
  const { id: userId } = await use.register({ ...account, client: HOME });
  const other = { ...account, username: 'eve', email: 'eve@example.com' };
  const { id: thiefsId } = await use.register({ ...other, client: ELSEWHERE });
  return { service, use, userId, thiefsId };
}

type World = Awaited<ReturnType<typeof createWorld>>;

/** The answer, or the code of the refusal. */
async function codeOf<T>(attempt: Promise<T>): Promise<T | string> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof SecondFactorRequired) throw error;
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

type Assertion = ReturnType<Authenticator['get']>;

class Scenario {
  readonly #world: World;
  #passwords = 0;
  #apps: App[] = [];
  #pending: App | null = null;
  #passkeys: readonly OwnedPasskey[] = [];
  #removedPasskeys: readonly OwnedPasskey[] = [];
  #begunPasskey: BegunPasskey | null = null;
  #thiefsBegunPasskey: BegunPasskey | null = null;
  /** Counts choices between two ways, so that a scenario takes both ways in turn. */
  #choices = 0;
  /** Each accepted assertion, with the challenge that it answered. */
  readonly #assertions: { readonly challenge: string; readonly assertion: Assertion }[] = [];
  #recoveryCodes: string[] = [];
  #usedRecoveryCodes: string[] = [];
  /** Each accepted code, with its secret. */
  readonly #usedCodes: { readonly secret: string; readonly code: string }[] = [];
  #owner: Pair | null = null;
  /** The session of the owner that ended last. */
  #ended: Pair | null = null;
  #thief: Pair | null = null;
  #thiefsChallenge: string | null = null;
  /** The number of changes so far that end challenges. */
  #version = 0;
  #openChallenge: { readonly secondStep: SecondStep; readonly version: number; readonly at: number } | null =
    null;

  constructor(world: World) {
    this.#world = world;
  }

  get #password() {
    return `a violet piano ${this.#passwords}`;
  }

  get #hasFactor() {
    return this.#apps.length + this.#passkeys.length > 0;
  }

  get #time() {
    return this.#world.service.time;
  }

  /** A code that was never shown before. */
  #makeNewCode({ secret }: App): string {
    this.#time.now += STEP;
    return totpCode(secret, this.#time.now);
  }

  #signIn({ access }: Pair) {
    const { userId } = this.#world;
    const claims = claimsOf(access) as unknown as AuthenticationClaims & { sid: string };
    return { userId, sessionId: claims.sid, authentication: claims };
  }

  #request(pair: Pair, client = HOME) {
    return { ...this.#signIn(pair), client };
  }

  /** The first step of a login. */
  async #firstStep(client = HOME): Promise<Pair | SecondStep> {
    const { use } = this.#world;
    const session = { paired: true, door: 'canonical', clientId: 'kinship' } as const;
    try {
      return await use.logInWithPassword({
        ...session,
        ...PRESENTED,
        username: 'ann',
        password: this.#password,
        client,
      });
    } catch (error) {
      if (!(error instanceof SecondFactorRequired)) throw error;
      const { challenge, publicKey } = error.challenge;
      return { challenge, nonce: publicKey === undefined ? null : nonceOf({ publicKey }) };
    }
  }

  #secondStep(challenge: string, proof: FactorProof, client = HOME) {
    return codeOf(this.#world.use.logInWithSecondFactor({ ...PRESENTED, challenge, proof, client }));
  }

  #stepUp(pair: Pair, proof: IdentityProof, client = HOME) {
    const { access: accessToken, refresh: refreshToken } = pair;
    const request = { accessToken, refreshToken, idempotencyKey: null, oauthClient: null, client };
    return codeOf(this.#world.use.stepUp({ ...request, ...PRESENTED, proof }));
  }

  #recordUsedCode(secret: string, code: string): void {
    const isUsed = this.#usedCodes.some((one) => one.secret === secret && one.code === code);
    if (isUsed) throw new Error('a code was good twice');
    this.#usedCodes.push({ secret, code });
  }

  /** Proves a factor of the owner in the second step, and records what was accepted. */
  async #answer({ challenge, nonce }: SecondStep): Promise<Pair | string> {
    const [app] = this.#apps;
    const [passkey] = this.#passkeys;
    if (passkey !== undefined && nonce !== null && (app === undefined || this.#choices++ % 2 === 0)) {
      const assertion = passkey.authenticator.get(nonce);
      const pair = await this.#secondStep(challenge, { assertion });
      if (typeof pair !== 'string') this.#assertions.push({ challenge, assertion });
      return pair;
    }
    if (app === undefined) throw new Error('a second step without a factor');
    const code = this.#makeNewCode(app);
    const pair = await this.#secondStep(challenge, { code });
    if (typeof pair !== 'string') this.#recordUsedCode(app.secret, code);
    return pair;
  }

  #logInByPasskey(challenge: string, assertion: Assertion, client = HOME) {
    const session = { paired: true, door: 'canonical', clientId: 'kinship', remember: true } as const;
    return codeOf(
      this.#world.use.logInWithPasskey({ ...session, ...PRESENTED, challenge, assertion, client }),
    );
  }

  #expectAal2({ access }: Pair): void {
    if (claimsOf(access).acr !== 'aal2') throw new Error('a passkey with user verification must give aal2');
  }

  #endChallenges(): void {
    this.#version += 1;
  }

  #signOut(): void {
    this.#ended = this.#owner ?? this.#ended;
    this.#owner = null;
  }

  #expectRefusal(answer: unknown, what: string): void {
    if (typeof answer !== 'string') throw new Error(`accepted without the second factor: ${what}`);
  }

  async play(step: Step): Promise<void> {
    await this[step]();
    const { factors, recoveryCodes } = await this.#world.use.listFactors(this.#world.userId);
    const owned = [...this.#apps, ...this.#passkeys].map(({ id }) => id).sort();
    const known = JSON.stringify([owned, this.#recoveryCodes.length]);
    const found = JSON.stringify([factors.map(({ id }) => id).sort(), recoveryCodes]);
    if (known !== found) throw new Error(`after ${step}: found ${found}, wanted ${known}`);
  }

  async begin() {
    if (this.#owner === null) return;
    const answer = await codeOf(this.#world.use.addTotp({ ...this.#request(this.#owner), label: 'App' }));
    if (typeof answer !== 'string') this.#pending = { id: answer.id, secret: secretIn(answer.uri) };
  }

  async confirm() {
    const app = this.#pending;
    if (app === null || this.#owner === null) return;
    const code = this.#makeNewCode(app);
    if ((await this.#confirm(this.#owner, app, code)) !== undefined) return;
    this.#recordUsedCode(app.secret, code);
    this.#apps.push(app);
    this.#pending = null;
    this.#endChallenges();
  }

  async 'confirm wrongly'() {
    if (this.#owner === null) return;
    for (const app of [this.#pending, ...this.#apps]) {
      if (app === null) continue;
      const { code = '' } = this.#usedCodes.findLast(({ secret }) => secret === app.secret) ?? {};
      const isPending = app === this.#pending;
      const typed = isPending ? 'no code' : code;
      this.#expectRefusal(await this.#confirm(this.#owner, app, typed), 'confirm');
    }
  }

  async 'confirm in an ended session'() {
    if (this.#pending === null || this.#ended === null) return;
    const code = this.#makeNewCode(this.#pending);
    this.#expectRefusal(await this.#confirm(this.#ended, this.#pending, code), 'confirm after the end');
  }

  #confirm(pair: Pair, { id }: App, code: string) {
    return codeOf(this.#world.use.confirmTotp({ ...this.#request(pair), id, code }));
  }

  async 'confirm by the thief'() {
    const { use } = this.#world;
    if (this.#pending === null) return;
    const input = {
      userId: randomUUID(),
      sessionId: randomUUID(),
      id: this.#pending.id,
      code: totpCode(this.#pending.secret, this.#time.now),
    };
    this.#expectRefusal(
      await codeOf(use.confirmTotp({ ...input, client: ELSEWHERE })),
      'confirm for another user',
    );
  }

  async remove() {
    const [app] = this.#apps;
    if (app === undefined || this.#owner === null) return;
    if (
      (await codeOf(this.#world.use.removeFactor({ ...this.#request(this.#owner), id: app.id }))) !==
      undefined
    )
      return;
    this.#apps = this.#apps.slice(1);
    if (!this.#hasFactor) this.#recoveryCodes = [];
    this.#endChallenges();
  }

  async #beginPasskey(pair: Pair, client = HOME): Promise<BegunPasskey | null> {
    const begun = await codeOf(this.#world.use.beginPasskey(this.#request(pair, client)));
    if (typeof begun === 'string') return null;
    const { challenge, publicKey } = begun;
    return { challenge, nonce: nonceOf({ publicKey }), version: this.#version, at: this.#time.now };
  }

  #finishPasskey({ challenge, nonce }: BegunPasskey, pair: Pair, authenticator: Authenticator) {
    const { userId, sessionId } = this.#signIn(pair);
    const input = { userId, sessionId, challenge, label: 'Key', client: HOME };
    return codeOf(this.#world.use.addPasskey({ ...input, credential: authenticator.create(nonce) }));
  }

  async 'begin a passkey'() {
    if (this.#owner !== null) this.#begunPasskey = await this.#beginPasskey(this.#owner);
  }

  /** The answer is accepted only if the account has not changed since the addition of the passkey began. */
  async 'finish the passkey'() {
    const begun = this.#begunPasskey;
    if (begun === null || this.#owner === null) return;
    this.#begunPasskey = null;
    const authenticator = softwareAuthenticator({ counts: this.#choices++ % 2 === 0 });
    const added = await this.#finishPasskey(begun, this.#owner, authenticator);
    const isGood = begun.version === this.#version && this.#time.now < begun.at + 300_000;
    if ((typeof added !== 'string') !== isGood) throw new Error(`adding the passkey: wanted ${isGood}`);
    if (typeof added === 'string') return;
    this.#passkeys = [...this.#passkeys, { id: added.id, authenticator }];
    this.#endChallenges();
    this.#expectRefusal(
      await this.#finishPasskey(begun, this.#owner, authenticator),
      'the same passkey twice',
    );
  }

  async 'finish the passkey for the thief'() {
    if (this.#begunPasskey === null) return;
    const { challenge, nonce } = this.#begunPasskey;
    const credential = softwareAuthenticator().create(nonce);
    const { thiefsId: userId } = this.#world;
    const input = { userId, sessionId: randomUUID(), challenge, credential, label: 'Eve' };
    this.#expectRefusal(
      await codeOf(this.#world.use.addPasskey({ ...input, client: ELSEWHERE })),
      'a passkey of another user',
    );
  }

  async 'remove a passkey'() {
    const [passkey] = this.#passkeys;
    if (passkey === undefined || this.#owner === null) return;
    const removal = { ...this.#request(this.#owner), id: passkey.id };
    if ((await codeOf(this.#world.use.removeFactor(removal))) !== undefined) return;
    this.#passkeys = this.#passkeys.slice(1);
    this.#removedPasskeys = [...this.#removedPasskeys, passkey];
    if (!this.#hasFactor) this.#recoveryCodes = [];
    this.#endChallenges();
  }

  async 'make codes'() {
    if (this.#owner === null) return;
    const codes = await codeOf(this.#world.use.makeRecoveryCodes(this.#request(this.#owner)));
    if (typeof codes === 'string') return;
    if (!this.#hasFactor) throw new Error('recovery codes without a factor');
    this.#usedRecoveryCodes.push(...this.#recoveryCodes);
    this.#recoveryCodes = [...codes];
    this.#endChallenges();
  }

  async 'log in'() {
    const first = await this.#firstStep();
    if (!('challenge' in first)) {
      if (this.#hasFactor) throw new Error('a login without the factor');
      this.#owner = first;
      return;
    }
    const pair = await this.#answer(first);
    if (typeof pair === 'string') throw new Error(`the owner is refused: ${pair}`);
    this.#owner = pair;
  }

  async 'log in by recovery code'() {
    const first = await this.#firstStep();
    const [code] = this.#recoveryCodes;
    if (!('challenge' in first) || code === undefined) return;
    const pair = await this.#secondStep(first.challenge, { recoveryCode: code });
    if (typeof pair === 'string') throw new Error(`the owner is refused: ${pair}`);
    this.#recoveryCodes = this.#recoveryCodes.slice(1);
    this.#usedRecoveryCodes.push(code);
    this.#owner = pair;
  }

  async 'log in by passkey alone'() {
    const [passkey] = this.#passkeys;
    for (const { authenticator } of this.#removedPasskeys) {
      const { challenge, publicKey } = await this.#world.use.beginPasskeyLogin();
      const assertion = authenticator.get(nonceOf({ publicKey }));
      this.#expectRefusal(await this.#logInByPasskey(challenge, assertion), 'a removed passkey');
    }
    if (passkey === undefined) return;
    const { challenge, publicKey } = await this.#world.use.beginPasskeyLogin();
    const nonce = nonceOf({ publicKey });
    const unverified = passkey.authenticator.get(nonce, { verified: false });
    this.#expectRefusal(await this.#logInByPasskey(challenge, unverified), 'a passkey that verified no user');
    const assertion = passkey.authenticator.get(nonce);
    const pair = await this.#logInByPasskey(challenge, assertion);
    if (typeof pair === 'string') throw new Error(`the owner is refused: ${pair}`);
    this.#assertions.push({ challenge, assertion });
    this.#expectAal2(pair);
    this.#owner = pair;
  }

  async 'step up by passkey'() {
    const [passkey] = this.#passkeys;
    if (this.#owner === null || passkey === undefined) return;
    const { challenge, publicKey } = await this.#world.use.beginStepUp();
    const assertion = passkey.authenticator.get(nonceOf({ publicKey }));
    const pair = await this.#stepUp(this.#owner, { passkey: { challenge, assertion } });
    if (typeof pair === 'string') return;
    this.#assertions.push({ challenge, assertion });
    this.#expectAal2(pair);
    this.#owner = pair;
  }

  /** An assertion that was accepted once is refused everywhere, with its own challenge and with any other. */
  async 'repeat an assertion'() {
    const last = this.#assertions.at(-1);
    if (last === undefined) return;
    const { challenge, assertion } = last;
    const login = await this.#world.use.beginPasskeyLogin();
    for (const one of [challenge, login.challenge])
      this.#expectRefusal(await this.#logInByPasskey(one, assertion, ELSEWHERE), 'a used assertion');
    const first = await this.#firstStep(ELSEWHERE);
    const steps = 'challenge' in first ? [challenge, first.challenge] : [challenge];
    for (const one of steps)
      this.#expectRefusal(await this.#secondStep(one, { assertion }, ELSEWHERE), 'a used assertion');
    if (this.#thief === null || !this.#hasFactor) return;
    const stepUp = await this.#world.use.beginStepUp();
    for (const one of [challenge, stepUp.challenge]) {
      const proof = { passkey: { challenge: one, assertion } };
      this.#expectRefusal(await this.#stepUp(this.#thief, proof, ELSEWHERE), 'a used assertion');
    }
  }

  async 'step up'() {
    const [app] = this.#apps;
    if (this.#owner === null || app === undefined) return;
    const code = this.#makeNewCode(app);
    const pair = await this.#stepUp(this.#owner, { code });
    if (typeof pair === 'string') return;
    this.#recordUsedCode(app.secret, code);
    if (claimsOf(pair.access).acr !== 'aal2') throw new Error('a step-up by a code must give aal2');
    this.#owner = pair;
  }

  async 'ask for a challenge'() {
    const first = await this.#firstStep();
    if ('challenge' in first)
      this.#openChallenge = { secondStep: first, version: this.#version, at: this.#time.now };
  }

  /**
   * The right code opens a session only if the account has not changed since the challenge, and the challenge has not
   * expired.
   */
  async 'answer the challenge'() {
    const asked = this.#openChallenge;
    if (asked === null || !this.#hasFactor) return;
    // A challenge that offers no passkey is outdated if the account now has passkeys only.
    if (this.#apps.length === 0 && asked.secondStep.nonce === null) return;
    this.#openChallenge = null;
    const pair = await this.#answer(asked.secondStep);
    const isGood = asked.version === this.#version && this.#time.now < asked.at + 300_000;
    if ((typeof pair !== 'string') !== isGood) throw new Error(`answering the challenge: wanted ${isGood}`);
  }

  async 'answer with a used code'() {
    const first = await this.#firstStep();
    if (!('challenge' in first)) return;
    const { code } = this.#usedCodes.at(-1) ?? { code: '000000' };
    this.#expectRefusal(await this.#secondStep(first.challenge, { code }), 'a used code');
    const recoveryCode = this.#usedRecoveryCodes.at(-1) ?? 'AAAA';
    this.#expectRefusal(await this.#secondStep(first.challenge, { recoveryCode }), 'a used recovery code');
  }

  async reset() {
    const { service, use, userId } = this.#world;
    const token = service.links.makeResetSecret(randomUUID());
    const expiresAt = this.#time.now + STEP;
    await service.users.addReset({ hashedToken: service.links.hashSecret(token), userId, expiresAt }, []);
    this.#passwords += 1;
    await use.resetPassword({ token, newPassword: this.#password, client: HOME });
    this.#signOut();
    this.#endChallenges();
  }

  async 'change the password'() {
    if (this.#owner === null) return;
    const currentPassword = this.#password;
    const newPassword = `a violet piano ${this.#passwords + 1}`;
    const input = { ...this.#request(this.#owner), currentPassword, newPassword };
    const refusal = await codeOf(this.#world.use.changePassword(input));
    if (refusal === undefined) {
      this.#passwords += 1;
      this.#endChallenges();
    } else if (!this.#hasFactor) throw new Error(`the owner is refused: ${refusal}`);
  }

  async 'disable and enable'() {
    const { use, userId } = this.#world;
    await use.disableUser(userId, SYSTEM);
    this.#expectRefusal(await codeOf(this.#firstStep()), 'a disabled user');
    await use.enableUser(userId, SYSTEM);
    this.#signOut();
    this.#endChallenges();
  }

  async wait() {
    this.#time.now += 11 * 60_000;
  }

  async 'thief logs in'() {
    const first = await this.#firstStep(ELSEWHERE);
    if ('challenge' in first) this.#thiefsChallenge = first.challenge;
    else if (this.#hasFactor) throw new Error('the thief got a pair without the factor');
    else this.#thief = first;
  }

  async 'thief answers'() {
    if (this.#thiefsChallenge === null || !this.#hasFactor) return;
    const { code } = this.#usedCodes.at(-1) ?? { code: '000000' };
    for (const proof of [{ code }, { recoveryCode: this.#usedRecoveryCodes.at(-1) ?? '' }])
      this.#expectRefusal(await this.#secondStep(this.#thiefsChallenge, proof, ELSEWHERE), 'a pair');
  }

  async 'thief steps up'() {
    if (this.#thief === null || !this.#hasFactor) return;
    const { code } = this.#usedCodes.at(-1) ?? { code: '000000' };
    const recoveryCode = this.#usedRecoveryCodes.at(-1) ?? '';
    for (const proof of [{ password: this.#password }, { code }, { recoveryCode }])
      this.#expectRefusal(await this.#stepUp(this.#thief, proof, ELSEWHERE), 'a step-up');
  }

  /** The thief tries a sensitive change, first with its session alone and then with the password. */
  async #steal(what: string, change: (request: SensitiveRequest) => Promise<unknown>) {
    if (this.#thief === null || !this.#hasFactor) return;
    for (const password of [undefined, this.#password]) {
      const request = { ...this.#request(this.#thief, ELSEWHERE), password };
      this.#expectRefusal(await codeOf(change(request).then((answer) => answer ?? {})), what);
    }
  }

  async 'thief removes'() {
    const [{ id } = { id: '' }] = [...this.#passkeys, ...this.#apps];
    await this.#steal('the removal of a factor', (request) =>
      this.#world.use.removeFactor({ ...request, id }),
    );
  }

  async 'thief adds'() {
    await this.#steal('another factor', (request) => this.#world.use.addTotp({ ...request, label: 'Eve' }));
    await this.#steal('another passkey', (request) => this.#world.use.beginPasskey(request));
  }

  /** Without a factor the password is enough to begin the addition of a passkey. The owner adds a factor after that. */
  async 'thief begins a passkey early'() {
    if (this.#thief === null || this.#hasFactor) return;
    this.#thiefsBegunPasskey = await this.#beginPasskey(this.#thief, ELSEWHERE);
  }

  async 'thief finishes its passkey'() {
    if (this.#thief === null || this.#thiefsBegunPasskey === null || !this.#hasFactor) return;
    const added = await this.#finishPasskey(this.#thiefsBegunPasskey, this.#thief, softwareAuthenticator());
    this.#expectRefusal(added, 'a passkey that was begun before');
  }

  /** The thief signs with its own key, and sends the id of the owner's passkey. */
  async 'thief has another key'() {
    const [passkey] = this.#passkeys;
    if (passkey === undefined) return;
    const { challenge, publicKey } = await this.#world.use.beginPasskeyLogin();
    const { id } = passkey.authenticator;
    const forged = { ...softwareAuthenticator().get(nonceOf({ publicKey })), id, rawId: id };
    this.#expectRefusal(await this.#logInByPasskey(challenge, forged, ELSEWHERE), 'a forged assertion');
  }

  async 'thief makes codes'() {
    await this.#steal('recovery codes', (request) => this.#world.use.makeRecoveryCodes(request));
  }

  async 'thief changes the address'() {
    const email = 'eve@example.org';
    await this.#steal('another address', (request) =>
      this.#world.use.requestEmailChange({ ...request, email }),
    );
  }

  async 'thief changes the password'() {
    const newPassword = 'a violet cello 42';
    await this.#steal('another password', ({ password: currentPassword = this.#password, ...request }) =>
      this.#world.use.changePassword({ ...request, currentPassword, newPassword }),
    );
  }

  async 'thief deletes the account'() {
    await this.#steal('a deletion', (request) => this.#world.use.deleteAccount(request));
  }
}

/** Declares the test that a second factor guards an account, in `numRuns` random sequences. */
export function testFactorInvariants(numRuns: number): void {
  t.test(
    'in any order of actions a second factor guards the account, and each proof is accepted once',
    async (t) => {
      const sequences = fc.array(fc.constantFrom(...STEPS), { minLength: 15, maxLength: 50 });
      await fc.assert(
        fc.asyncProperty(sequences, async (steps) => {
          const scenario = new Scenario(await createWorld());
          for (const step of ['log in', 'begin', 'begin a passkey', ...steps] as const)
            await scenario.play(step);
        }),
        { numRuns },
      );
      t.pass(`${numRuns} sequences`);
    },
  );
}
