import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { createMemoryCache } from '../../src/adapters/memory/cache.ts';
import type { SensitiveRequest } from '../../src/app/accounts/sensitive-change.ts';
import { createUseCases } from '../../src/compose/use-cases.ts';
import { ATTEMPT_POLICY } from '../../src/domain/attempts.ts';
import { SYSTEM } from '../../src/domain/audit.ts';
import type { AuthenticationClaims } from '../../src/domain/authentication.ts';
import { Refusal, SecondFactorRequired } from '../../src/domain/refusal.ts';
import type { PasswordHasher } from '../../src/ports/security/password-hasher.ts';
import type { Attempts } from '../../src/ports/stores/attempts.ts';
import { claimsOf, ELSEWHERE, HOME, REFRESH_REQUEST, sessions } from '../support/sessions.ts';
import { secretIn, totpCode } from '../support/totp.ts';

/**
 * Any order of begin, confirm, remove, reset, log in and disable keeps what a second factor promises. The owner knows
 * the password and has the app and the recovery codes. The thief knows every password at once, has each code that was
 * ever accepted, and keeps the sessions that it opened before there was a factor.
 */
const STEPS = [
  'begin',
  'confirm',
  'confirm wrongly',
  'confirm by the thief',
  'remove',
  'make codes',
  'log in',
  'log in by recovery code',
  'step up',
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
  'thief makes codes',
  'thief changes the address',
  'thief changes the password',
  'thief deletes the account',
] as const;

type Step = (typeof STEPS)[number];

const STEP = 30_000;
const PRESENTED = { presented: { proof: null, ...REFRESH_REQUEST } };

/** Without limits, so that proofs alone decide. */
const UNLIMITED: Attempts = {
  begin: async () => ({ allowed: true }),
  recordSuccess: async () => {},
  recordRecovery: async () => {},
  countAction: async () => ({ allowed: true, remaining: 1, retryAfter: 0 }),
};

/** A hash that can be read, because its cost is no subject of this test. */
const READABLE: PasswordHasher = {
  hash: async (password) => `hash of ${password}`,
  verify: async (hash, password) => hash === `hash of ${password}`,
  isOutdated: () => false,
};

interface Pair {
  readonly access: string;
  readonly refresh: string;
}

interface App {
  readonly id: string;
  readonly secret: string;
}

async function world() {
  const service = await sessions();
  const limit = { count: 1_000_000, perMilliseconds: 1 };
  const use = createUseCases({
    ...service,
    operatorsNeedSecondFactor: false,
    passwords: READABLE,
    attempts: UNLIMITED,
    proofAttempts: UNLIMITED,
    cache: createMemoryCache(),
    isCommonPassword: () => false,
    isBreachedPassword: async () => false,
    serviceName: 'auth.example.com',
    limits: {
      attempts: ATTEMPT_POLICY,
      logins: limit,
      loginsOfNetwork: limit,
      registrations: limit,
      resetMails: limit,
      revocationConsumers: 1,
    },
    emailVerification: 'off',
    log: { trace() {}, debug() {}, info() {}, warn() {}, error() {} } as never,
  });
  const account = { username: 'ann', email: 'ann@example.com', password: 'a violet piano 0' };
  const { id: userId } = await use.register({ ...account, client: HOME });
  return { service, use, userId };
}

type World = Awaited<ReturnType<typeof world>>;

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

class Life {
  readonly #world: World;
  #passwords = 0;
  #apps: App[] = [];
  #pending: App | null = null;
  #codes: string[] = [];
  #usedRecovery: string[] = [];
  /** Every accepted code with its secret, and every presented one. */
  readonly #used: { readonly secret: string; readonly code: string }[] = [];
  #owner: Pair | null = null;
  #thief: Pair | null = null;
  #thiefsChallenge: string | null = null;
  /** Counts the changes that end challenges. */
  #version = 0;
  #asked: { readonly challenge: string; readonly version: number; readonly at: number } | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  get #password() {
    return `a violet piano ${this.#passwords}`;
  }

  get #time() {
    return this.#world.service.time;
  }

  /** A code that was never shown before. */
  #fresh({ secret }: App): string {
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
  async #firstStep(client = HOME): Promise<Pair | { readonly challenge: string }> {
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
      if (error instanceof SecondFactorRequired) return { challenge: error.asked.challenge };
      throw error;
    }
  }

  #secondStep(challenge: string, proof: { code: string } | { recoveryCode: string }, client = HOME) {
    return codeOf(this.#world.use.logInWithSecondFactor({ ...PRESENTED, challenge, proof, client }));
  }

  #stepUp(pair: Pair, proof: { code?: string; recoveryCode?: string; password?: string }, client = HOME) {
    const { access: accessToken, refresh: refreshToken } = pair;
    const request = { accessToken, refreshToken, idempotencyKey: null, oauthClient: null, client };
    return codeOf(this.#world.use.stepUp({ ...request, ...PRESENTED, proof }));
  }

  /** Records that a code was accepted. */
  #accept(secret: string, code: string): void {
    const isUsed = this.#used.some((one) => one.secret === secret && one.code === code);
    if (isUsed) throw new Error('a code was good twice');
    this.#used.push({ secret, code });
  }

  #endChallenges(): void {
    this.#version += 1;
  }

  #refused(answer: unknown, what: string): void {
    if (typeof answer !== 'string') throw new Error(`without the factor: ${what}`);
  }

  async play(step: Step): Promise<void> {
    await this[step]();
    const { factors, recoveryCodes } = await this.#world.use.listFactors(this.#world.userId);
    const known = JSON.stringify([this.#apps.map(({ id }) => id).sort(), this.#codes.length]);
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
    if (app === null) return;
    const { userId, use } = this.#world;
    const code = this.#fresh(app);
    if ((await codeOf(use.confirmTotp({ userId, id: app.id, code, client: HOME }))) !== undefined) return;
    this.#accept(app.secret, code);
    this.#apps.push(app);
    this.#pending = null;
    this.#endChallenges();
  }

  async 'confirm wrongly'() {
    const { userId, use } = this.#world;
    for (const app of [this.#pending, ...this.#apps]) {
      if (app === null) continue;
      const { code = '' } = this.#used.findLast(({ secret }) => secret === app.secret) ?? {};
      const isPending = app === this.#pending;
      const typed = isPending ? 'no code' : code;
      this.#refused(
        await codeOf(use.confirmTotp({ userId, id: app.id, code: typed, client: HOME })),
        'confirm',
      );
    }
  }

  async 'confirm by the thief'() {
    const { use } = this.#world;
    if (this.#pending === null) return;
    const input = {
      userId: randomUUID(),
      id: this.#pending.id,
      code: totpCode(this.#pending.secret, this.#time.now),
    };
    this.#refused(await codeOf(use.confirmTotp({ ...input, client: ELSEWHERE })), 'confirm for another user');
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
    if (this.#apps.length === 0) this.#codes = [];
    this.#endChallenges();
  }

  async 'make codes'() {
    if (this.#owner === null) return;
    const codes = await codeOf(this.#world.use.makeRecoveryCodes(this.#request(this.#owner)));
    if (typeof codes === 'string') return;
    if (this.#apps.length === 0) throw new Error('recovery codes without a factor');
    this.#usedRecovery.push(...this.#codes);
    this.#codes = [...codes];
    this.#endChallenges();
  }

  async 'log in'() {
    const first = await this.#firstStep();
    const [app] = this.#apps;
    if (!('challenge' in first)) {
      if (app !== undefined) throw new Error('a login without the factor');
      this.#owner = first;
      return;
    }
    if (app === undefined) throw new Error('a second step without a factor');
    const code = this.#fresh(app);
    const pair = await this.#secondStep(first.challenge, { code });
    if (typeof pair === 'string') throw new Error(`the owner is refused: ${pair}`);
    this.#accept(app.secret, code);
    this.#owner = pair;
  }

  async 'log in by recovery code'() {
    const first = await this.#firstStep();
    const [code] = this.#codes;
    if (!('challenge' in first) || code === undefined) return;
    const pair = await this.#secondStep(first.challenge, { recoveryCode: code });
    if (typeof pair === 'string') throw new Error(`the owner is refused: ${pair}`);
    this.#codes = this.#codes.slice(1);
    this.#usedRecovery.push(code);
    this.#owner = pair;
  }

  async 'step up'() {
    const [app] = this.#apps;
    if (this.#owner === null || app === undefined) return;
    const code = this.#fresh(app);
    const pair = await this.#stepUp(this.#owner, { code });
    if (typeof pair === 'string') return;
    this.#accept(app.secret, code);
    if (claimsOf(pair.access).acr !== 'aal2') throw new Error('a step-up by a code is aal2');
    this.#owner = pair;
  }

  async 'ask for a challenge'() {
    const first = await this.#firstStep();
    if ('challenge' in first) this.#asked = { ...first, version: this.#version, at: this.#time.now };
  }

  /** The right code opens a session only if neither the account nor the challenge has changed meanwhile. */
  async 'answer the challenge'() {
    const asked = this.#asked;
    const [app] = this.#apps;
    if (asked === null || app === undefined) return;
    this.#asked = null;
    const code = this.#fresh(app);
    const pair = await this.#secondStep(asked.challenge, { code });
    const isGood = asked.version === this.#version && this.#time.now < asked.at + 300_000;
    if ((typeof pair !== 'string') !== isGood) throw new Error(`a challenge of version ${asked.version}`);
    if (typeof pair !== 'string') this.#accept(app.secret, code);
  }

  async 'answer with a used code'() {
    const first = await this.#firstStep();
    if (!('challenge' in first)) return;
    const { code } = this.#used.at(-1) ?? { code: '000000' };
    this.#refused(await this.#secondStep(first.challenge, { code }), 'a used code');
    const recoveryCode = this.#usedRecovery.at(-1) ?? 'AAAA';
    this.#refused(await this.#secondStep(first.challenge, { recoveryCode }), 'a used recovery code');
  }

  async reset() {
    const { service, use, userId } = this.#world;
    const token = service.links.reset(randomUUID());
    const expiresAt = this.#time.now + STEP;
    await service.users.openReset({ hashedToken: service.links.hash(token), userId, expiresAt }, []);
    this.#passwords += 1;
    await use.resetPassword({ token, newPassword: this.#password, client: HOME });
    this.#owner = null;
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
    } else if (this.#apps.length === 0) throw new Error(`the owner is refused: ${refusal}`);
  }

  async 'disable and enable'() {
    const { use, userId } = this.#world;
    await use.disableUser(userId, SYSTEM);
    this.#refused(await codeOf(this.#firstStep()), 'a disabled user');
    await use.enableUser(userId, SYSTEM);
    this.#owner = null;
    this.#endChallenges();
  }

  async wait() {
    this.#time.now += 11 * 60_000;
  }

  async 'thief logs in'() {
    const first = await this.#firstStep(ELSEWHERE);
    if ('challenge' in first) this.#thiefsChallenge = first.challenge;
    else if (this.#apps.length > 0) throw new Error('without the factor: a pair');
    else this.#thief = first;
  }

  async 'thief answers'() {
    if (this.#thiefsChallenge === null || this.#apps.length === 0) return;
    const { code } = this.#used.at(-1) ?? { code: '000000' };
    for (const proof of [{ code }, { recoveryCode: this.#usedRecovery.at(-1) ?? '' }])
      this.#refused(await this.#secondStep(this.#thiefsChallenge, proof, ELSEWHERE), 'a pair');
  }

  async 'thief steps up'() {
    if (this.#thief === null || this.#apps.length === 0) return;
    const { code } = this.#used.at(-1) ?? { code: '000000' };
    const recoveryCode = this.#usedRecovery.at(-1) ?? '';
    for (const proof of [{ password: this.#password }, { code }, { recoveryCode }])
      this.#refused(await this.#stepUp(this.#thief, proof, ELSEWHERE), 'a step-up');
  }

  /** The thief tries a sensitive change, with its sign-in alone and with the password. */
  async #steal(what: string, change: (request: SensitiveRequest) => Promise<unknown>) {
    if (this.#thief === null || this.#apps.length === 0) return;
    for (const password of [undefined, this.#password]) {
      const request = { ...this.#request(this.#thief, ELSEWHERE), password };
      this.#refused(await codeOf(change(request).then((answer) => answer ?? {})), what);
    }
  }

  async 'thief removes'() {
    const [{ id } = { id: '' }] = this.#apps;
    await this.#steal('the removal of a factor', (request) =>
      this.#world.use.removeFactor({ ...request, id }),
    );
  }

  async 'thief adds'() {
    await this.#steal('another factor', (request) => this.#world.use.addTotp({ ...request, label: 'Eve' }));
    await this.#steal('another passkey', (request) => this.#world.use.beginPasskey(request));
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

t.test('whatever the order, a second factor guards the account, and each proof is good once', async (t) => {
  const sequences = fc.array(fc.constantFrom(...STEPS), { minLength: 15, maxLength: 50 });
  await fc.assert(
    fc.asyncProperty(sequences, async (steps) => {
      const life = new Life(await world());
      for (const step of ['log in', 'begin', ...steps] as const) await life.play(step);
    }),
    { numRuns: 300 },
  );
  t.pass('300 lives');
});
