import fc from 'fast-check';
import t from 'tap';
import { findMailRecipient } from '../../../src/app/delivery/mail-recipient.ts';
import type { DomainEvent } from '../../../src/domain/events.ts';
import { identifiersOf, type User } from '../../../src/domain/user.ts';
import { claimsOf } from '../../support/forge.ts';
import { createMemoryStores } from '../../support/memory/session-store.ts';
import { embeddedStores, type SqlStores } from '../../support/open-stores.ts';
import { PASSWORD } from '../../support/passwords.ts';
import { HOME, outcome } from '../../support/sessions.ts';
import { unlimitedUseCases } from '../../support/use-cases.ts';

/**
 * Three users and three mailboxes: each user may register with, or change to, the address of each mailbox. The
 * invariants of addresses hold in any order of registering, verifying, changing, undoing, resetting, deleting and
 * waiting.
 */
const ADDRESSES = ['ann@example.com', 'bob@example.com', 'eve@example.com'] as const;

const DAY = 86_400_000;

const PURPOSES = ['verify', 'change', 'undo', 'reset'] as const;

type Purpose = (typeof PURPOSES)[number];

/** The events whose mails have a link, and the purpose of the link. */
const PURPOSE_OF: Partial<Record<DomainEvent['type'], Purpose>> = {
  'users.email_verification_requested': 'verify',
  'users.email_change_requested': 'change',
  'users.email_change_announced': 'undo',
  'users.password_forgotten': 'reset',
};

interface Link {
  readonly purpose: Purpose;
  readonly userId: string;
  /** The mailbox that got the link. */
  readonly to: string;
  readonly token: string;
  /** The expiry of an undo link. Links for other purposes expire earlier, and no check reads their value here. */
  readonly expiresAt: number;
  isUsed: boolean;
  /** Whether the undo of an earlier change has removed this link. */
  isCancelled: boolean;
}

const who = fc.integer({ min: 0, max: 2 });
const address = fc.constantFrom(...ADDRESSES);
/** The position of the link, counted from the newest one. */
const link = fc.integer({ min: 0, max: 5 });

const STEPS = fc.oneof(
  fc.record({ step: fc.constant('register' as const), who, address, isNamedByAddress: fc.boolean() }),
  fc.record({ step: fc.constant('askForVerification' as const), address }),
  fc.record({ step: fc.constant('requestChange' as const), who, address }),
  fc.record({ step: fc.constant('overtake' as const), who, other: who, address }),
  fc.record({ step: fc.constant('forgetPassword' as const), address }),
  { weight: 4, arbitrary: fc.record({ step: fc.constant('useLink' as const), link }) },
  fc.record({ step: fc.constant('checkLink' as const), link }),
  fc.record({ step: fc.constant('misuse' as const), link, purpose: fc.constantFrom(...PURPOSES) }),
  fc.record({ step: fc.constant('remove' as const), who }),
  fc.record({ step: fc.constant('wait' as const), days: fc.constantFrom(0.01, 0.5, 1, 3, 7) }),
);

type Step = typeof STEPS extends fc.Arbitrary<infer One> ? One : never;

type Stores = ReturnType<typeof createMemoryStores> | SqlStores;

type Service = Awaited<ReturnType<typeof unlimitedUseCases>>;

const UNUSED = { isUsed: false, isCancelled: false };

class Scenario {
  readonly #service: Service;
  readonly #stores: Stores;
  /** The id of each user's account; null for a user without an account. */
  readonly #accounts: (string | null)[] = [null, null, null];
  readonly #links: Link[] = [];
  /** The accounts as they were before the step. */
  #before = new Map<string, User>();
  /**
   * Each account and address that a used link has proved, as `<user id> <address>`. The mailbox of the address had
   * received the link.
   */
  readonly #proven = new Set<string>();
  readonly #reserved = new Map<string, { readonly userId: string; readonly until: number }>();
  /** The account that a link changed in this step, and its expected address. */
  #expected: { readonly userId: string; readonly email: string } | null = null;

  constructor(service: Service, stores: Stores) {
    this.#service = service;
    this.#stores = stores;
  }

  get #use() {
    return this.#service.use;
  }

  get #now() {
    return this.#service.service.time.now;
  }

  async play(step: Step): Promise<void> {
    this.#before = await this.#readAccounts();
    this.#expected = null;
    await this.#perform(step);
    await this.#readMails();
    await this.#check();
  }

  async #perform(step: Step): Promise<void> {
    switch (step.step) {
      case 'register':
        return this.#register(step.who, step.address, step.isNamedByAddress);
      case 'askForVerification':
        return this.#runAndSettle(this.#use.mailVerification({ email: step.address, client: HOME }));
      case 'requestChange':
        return this.#requestChange(step.who, step.address);
      case 'overtake':
        return this.#overtake(step.who, step.other, step.address);
      case 'forgetPassword':
        return this.#runAndSettle(this.#use.mailPasswordReset({ email: step.address, client: HOME }));
      case 'useLink':
        return this.#useLink(step.link);
      case 'checkLink':
        return this.#checkLink(step.link);
      case 'misuse':
        return this.#misuse(step.link, step.purpose);
      case 'remove':
        return this.#remove(step.who);
      case 'wait':
        this.#service.service.time.now += step.days * DAY;
    }
  }

  /** Waits until the link is recorded, because these requests answer before that. */
  async #runAndSettle(request: Promise<void>): Promise<void> {
    await request;
    await this.#service.settle();
  }

  async #readAccounts(): Promise<Map<string, User>> {
    const ids = this.#accounts.filter((id) => id !== null);
    const users = await Promise.all(ids.map((id) => this.#stores.users.find(id)));
    return new Map(users.flatMap((user) => (user === null ? [] : [[user.id, user]])));
  }

  async #readMails(): Promise<void> {
    const { outbox, users } = this.#stores;
    const { links } = this.#service.service;
    for (const entry of await outbox.claim('mail', this.#now, this.#now + 1_000 * DAY, 100)) {
      const { event } = entry;
      const purpose = PURPOSE_OF[event.type];
      const recipient = await findMailRecipient({ users, operatorAddress: null }, entry);
      if (purpose === undefined || recipient === null) continue;
      if (purpose === 'undo' && !('linkId' in event.data)) continue;
      if (purpose === 'undo' && !this.#proven.has(`${event.data.userId} ${recipient.to}`))
        throw new Error(`an undo link went to ${recipient.to}, which is not verified`);
      const token =
        'resetId' in event.data
          ? links.makeResetSecret(event.data.resetId)
          : links.makeAddressSecret('linkId' in event.data ? event.data.linkId : '');
      const { userId } = event.data;
      this.#links.push({
        purpose,
        userId,
        to: recipient.to,
        token,
        expiresAt: this.#now + 7 * DAY,
        ...UNUSED,
      });
    }
  }

  /** A conflict is correct only if another account has the address, has it as its name, or keeps it reserved. */
  #isTaken(email: string, userId: string | null): boolean {
    const isOwned = [...this.#before.values()].some(
      (user) => user.id !== userId && identifiersOf(user).includes(email),
    );
    const reservation = this.#reserved.get(email);
    const isReserved = reservation !== undefined && reservation.until > this.#now;
    return isOwned || (isReserved && reservation.userId !== userId);
  }

  async #register(index: number, email: string, isNamedByAddress: boolean): Promise<void> {
    if (this.#accounts[index] !== null) return;
    const username = isNamedByAddress ? email : `user${index}`;
    const input = { username, email, password: PASSWORD, client: HOME };
    const answer = await outcome(this.#use.register(input));
    const isTaken = this.#isTaken(email, null);
    if ((answer === 'conflict') !== isTaken)
      throw new Error(`registered ${email}: ${JSON.stringify(answer)}`);
    if (typeof answer === 'string') return;
    this.#accounts[index] = answer.id;
  }

  /** A request with the password in a new session of the user. */
  async #signIn(userId: string) {
    const { access } = await this.#service.service.logIn({ userId });
    const sessionId = String(claimsOf(access).sid);
    return { userId, sessionId, authentication: {}, password: PASSWORD, client: HOME };
  }

  async #requestChange(index: number, email: string): Promise<void> {
    const userId = this.#accounts[index];
    if (userId == null) return;
    const request = { ...(await this.#signIn(userId)), email };
    const answer = await outcome(this.#use.requestEmailChange(request));
    if ((answer === 'conflict') !== this.#isTaken(email, userId))
      throw new Error(`requested ${email}: ${answer}`);
  }

  /** Another user registers an address before the link that changes to it is used. */
  async #overtake(index: number, other: number, email: string): Promise<void> {
    await this.#requestChange(index, email);
    await this.#readMails();
    const change = this.#links.findLastIndex(({ purpose }) => purpose === 'change');
    await this.#register(other, email, false);
    this.#before = await this.#readAccounts();
    if (change >= 0) await this.#useLink(this.#links.length - 1 - change);
  }

  #linkAt(fromNewest: number): Link | undefined {
    return this.#links.at(-1 - (fromNewest % Math.max(1, this.#links.length)));
  }

  #redeem(purpose: Purpose, token: string): Promise<unknown> {
    const use = this.#use;
    const sent = { token, client: HOME };
    const uses = {
      verify: () => use.verifyEmail(sent),
      change: () => use.changeEmail(sent),
      undo: () => use.undoEmailChange(sent),
      reset: () => use.resetPassword({ ...sent, newPassword: PASSWORD }),
    };
    return outcome(uses[purpose]().then(() => 'used'));
  }

  async #useLink(fromNewest: number): Promise<void> {
    const link = this.#linkAt(fromNewest);
    if (link === undefined) return;
    const { purpose, userId, to, token } = link;
    const answer = await this.#redeem(purpose, token);
    if (answer === 'conflict' && this.#isTaken(to, userId) && purpose === 'change') return;
    if (answer === 'invalid_link') return;
    if (answer !== 'used') throw new Error(`${purpose}: ${answer}`);
    if (link.isUsed) throw new Error(`a link to ${purpose} was good twice`);
    link.isUsed = true;
    this.#proven.add(`${userId} ${to}`);
    this.#expected = { userId, email: to };
    const before = this.#before.get(userId);
    const former = before?.email ?? '';
    this.#reserved.delete(to);
    if (purpose === 'change' && before?.emailVerifiedAt != null)
      this.#reserved.set(former, { userId, until: this.#now + 7 * DAY });
    if (purpose === 'undo') this.#keepForEarlierUndo(link, former);
  }

  /** An undo cancels the undo links of later changes. The replaced address stays reserved for an earlier undo link. */
  #keepForEarlierUndo({ userId, expiresAt, to }: Link, former: string): void {
    for (const link of this.#links) {
      if (link.purpose !== 'undo' || link.userId !== userId || link.isUsed || link.isCancelled) continue;
      if (link.expiresAt >= expiresAt) link.isCancelled = true;
      else if (former !== to && link.to === former && link.expiresAt > this.#now)
        this.#reserved.set(former, { userId, until: link.expiresAt });
    }
  }

  async #checkLink(fromNewest: number): Promise<void> {
    const { purpose, token } = this.#linkAt(fromNewest) ?? { purpose: 'verify', token: '' };
    const use = this.#use;
    const checks = {
      verify: () => use.checkVerificationLink(token),
      change: () => use.checkEmailChange(token),
      undo: () => use.checkEmailUndo(token),
      reset: () => use.checkResetLink(token),
    };
    await outcome<unknown>(checks[purpose]());
  }

  /** Uses a link for another purpose, which must fail. */
  async #misuse(fromNewest: number, purpose: Purpose): Promise<void> {
    const link = this.#linkAt(fromNewest);
    if (link === undefined || link.purpose === purpose) return;
    const answer = await this.#redeem(purpose, link.token);
    if (answer !== 'invalid_link')
      throw new Error(`a link to ${link.purpose}, used to ${purpose}: ${answer}`);
  }

  async #remove(index: number): Promise<void> {
    const userId = this.#accounts[index];
    if (userId == null) return;
    await this.#use.deleteAccount(await this.#signIn(userId));
    this.#accounts[index] = null;
    for (const [email, reservation] of this.#reserved)
      if (reservation.userId === userId) this.#reserved.delete(email);
  }

  async #check(): Promise<void> {
    const users = [...(await this.#readAccounts()).values()];
    const identifiers = users.flatMap(identifiersOf);
    if (new Set(identifiers).size < identifiers.length) throw new Error(`two owners: ${identifiers}`);
    for (const user of users) {
      const { id, email, emailVerifiedAt } = user;
      if (emailVerifiedAt !== null && !this.#proven.has(`${id} ${email}`))
        throw new Error(`${email} is verified without its link`);
      const reservation = this.#reserved.get(email);
      if (reservation !== undefined && reservation.userId !== id && reservation.until > this.#now)
        throw new Error(`${email} was reserved for another account`);
      this.#checkChange(user);
    }
  }

  /**
   * Only a link changes an address or its verification, and it sets exactly the address of the mailbox that received
   * it.
   */
  #checkChange({ id, email, emailVerifiedAt }: User): void {
    const before = this.#before.get(id);
    if (this.#expected?.userId === id) {
      if (email !== this.#expected.email || emailVerifiedAt === null)
        throw new Error(`a link sent to ${this.#expected.email} left ${email}`);
    } else if (before !== undefined && (before.email !== email || before.emailVerifiedAt !== emailVerifiedAt))
      throw new Error(`${before.email} became ${email} without a link`);
  }
}

async function checkSequences(numRuns: number, freshStores: () => Promise<Stores>): Promise<void> {
  const sequences = fc.array(STEPS, { minLength: 15, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sequences, async (steps) => {
      const stores = await freshStores();
      const scenario = new Scenario(await unlimitedUseCases('optional', { stores }), stores);
      for (const step of steps) await scenario.play(step);
    }),
    { numRuns },
  );
}

const TITLE = 'whatever the order, an address has one owner, and is verified by its link only';

/** Declares a test of `numRuns` random sequences, on stores in memory. */
export function testAddressInvariants(numRuns: number): void {
  t.test(`${TITLE}, in memory`, async (t) => {
    await checkSequences(numRuns, async () => createMemoryStores());
    t.pass(`${numRuns} sequences`);
  });
}

/** Declares a test of `numRuns` random sequences, on the embedded database. */
export function testEmbeddedAddressInvariants(numRuns: number): void {
  t.test(`${TITLE}, in the embedded database`, async (t) => {
    const stores = await embeddedStores(t);
    await checkSequences(numRuns, async () => {
      await stores.clear();
      return stores;
    });
    t.pass(`${numRuns} sequences`);
  });
}
