import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { SYSTEM } from '../../src/domain/audit.ts';
import { MAX_ANSWERS } from '../../src/domain/challenge.ts';
import { type FactorProofUse, FIRST_SECURITY_VERSION, MAX_FACTORS } from '../../src/domain/second-factor.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import type { OutboxEntry } from '../../src/ports/stores/outbox.ts';
import type { SecondFactors, StoredPasskey, StoredTotp } from '../../src/ports/stores/second-factors.ts';
import type { StepUp } from '../../src/ports/stores/token-families.ts';
import { hash, NOW, rotationOf, someFamily } from '../support/families.ts';
import { someUser, type UserStores, withHash } from './users.ts';

export interface FactorStores extends UserStores {
  readonly secondFactors: SecondFactors;
}

type Fresh = (t: Test) => Promise<FactorStores>;

const LATER = NOW + 300_000;

let count = 0;

export function someFactor(userId: string, values: Partial<StoredTotp> = {}): StoredTotp {
  count += 1;
  return {
    id: randomUUID(),
    userId,
    kind: 'totp',
    label: `phone ${count}`,
    createdAt: NOW + count,
    confirmedAt: null,
    lastUsedAt: null,
    addedBy: randomUUID(),
    totp: { sealedSecret: `sealed ${count}`, lastStep: null },
    ...values,
  };
}

export function somePasskey(userId: string, values: Partial<StoredPasskey['passkey']> = {}): StoredPasskey {
  const { totp: _, ...factor } = someFactor(userId);
  const [credentialId, publicKey] = [hash(), hash()];
  return {
    ...factor,
    kind: 'passkey',
    confirmedAt: factor.createdAt,
    passkey: {
      credentialId,
      publicKey,
      signCount: 0,
      transports: ['internal'],
      isBackupEligible: false,
      ...values,
    },
  };
}

function entryAbout(userId: string): OutboxEntry {
  return {
    id: randomUUID(),
    kind: 'event',
    event: { type: 'users.deleted', occurredAt: NOW, data: { userId } },
  };
}

const eventTypesOf = async ({ outbox }: FactorStores) =>
  (await outbox.claim('event', LATER, LATER, 100)).map(({ event }) => event.type);

/** An account with a confirmed factor and two recovery codes. */
async function userWithFactor(stores: FactorStores) {
  const user = someUser();
  await stores.users.create(user, []);
  const factor = someFactor(user.id);
  await stores.secondFactors.add(factor, null);
  await stores.secondFactors.confirm({ userId: user.id, id: factor.id, step: 10, at: NOW }, null, []);
  const codes = [hash(), hash()] as const;
  await stores.secondFactors.replaceRecoveryCodes(user.id, codes, null, []);
  const versionNow = async () => (await stores.secondFactors.find(user.id))?.securityVersion ?? '';
  const challenge = async () => {
    const hashedNonce = hash();
    await stores.secondFactors.countAnswer({ hashedNonce, expiresAt: LATER });
    return hashedNonce;
  };
  const logIn = async (
    use: FactorProofUse,
    values: { securityVersion?: string; hashedNonce?: string } = {},
  ) => {
    const family = someFamily({ userId: user.id });
    const proof = {
      securityVersion: values.securityVersion ?? (await versionNow()),
      challenge: { hashedNonce: values.hashedNonce ?? (await challenge()), expiresAt: LATER },
      use,
    };
    return stores.secondFactors.openSession(family, proof, [entryAbout(user.id)]);
  };
  const code = (step: number) => ({ kind: 'totp', factorId: factor.id, step }) as const;
  const stepUp = (from: TokenFamily, proof: StepUp['proof']) => {
    const { next, ...rotation } = rotationOf(from);
    const { rotatedAt: authTime, generation } = next;
    const authentication = { authTime, amr: ['otp'] as const, acr: 'aal2' as const, generation };
    return stores.families.stepUp({ ...rotation, next, authentication, proof }, []);
  };
  const open = async () => {
    const family = someFamily({ userId: user.id });
    await stores.families.open(family, []);
    return family;
  };
  const sessions = async () =>
    (await stores.families.list(user.id, { now: NOW, limit: 100, after: null })).length;
  return { ...stores, user, factor, codes, versionNow, challenge, logIn, code, sessions, stepUp, open };
}

/** The contract of {@link SecondFactors}, and of the methods of other stores that concern second factors. */
export async function secondFactorsContract(t: Test, fresh: Fresh): Promise<void> {
  await t.test('changes of factors', (t) => changes(t, fresh));
  await t.test('security versions', (t) => versions(t, fresh));
  await t.test('logins by a second step', (t) => logins(t, fresh));
  await t.test('concurrency', (t) => concurrency(t, fresh));
}

async function changes(t: Test, fresh: Fresh): Promise<void> {
  await t.test('a factor is added, confirmed, renamed and removed', async (t) => {
    const stores = await fresh(t);
    const { secondFactors } = stores;
    const user = someUser();
    t.equal(await secondFactors.find(user.id), null);
    t.equal(await secondFactors.add(someFactor(user.id), null), null);
    await stores.users.create(user, []);
    t.same(await secondFactors.find(user.id), {
      passwordHash: user.passwordHash,
      securityVersion: FIRST_SECURITY_VERSION,
      isDisabled: false,
      factors: [],
      recoveryCodes: [],
    });
    const [forgotten, factor] = [someFactor(user.id), someFactor(user.id)];
    t.equal(await secondFactors.add(forgotten, null), 'added');
    t.equal(await secondFactors.add(factor, null), 'added', 'replaces the unconfirmed factor');
    const hasFactor = async () => (await stores.users.findByIdentifier(user.username))?.hasSecondFactor;
    t.equal(await hasFactor(), false, 'the factor is not confirmed');
    t.same((await secondFactors.find(user.id))?.factors, [factor]);

    const confirmation = { userId: user.id, id: factor.id, step: 7, at: NOW + 5 };
    const entry = entryAbout(user.id);
    t.equal(await secondFactors.confirm({ ...confirmation, id: forgotten.id }, null, [entry]), false);
    t.equal(await secondFactors.confirm({ ...confirmation, userId: randomUUID() }, null, [entry]), false);
    t.equal(await secondFactors.rename(user.id, factor.id, 'x', [entry]), false, 'not confirmed');
    t.equal(await secondFactors.remove(user.id, factor.id, null, [entry]), false, 'not confirmed');
    t.same(await eventTypesOf(stores), [], 'a failed change records no event');
    t.equal(await secondFactors.confirm(confirmation, null, [entry]), true);
    t.equal(await hasFactor(), true);
    t.equal(await secondFactors.confirm(confirmation, null, [entryAbout(user.id)]), false, 'once');
    t.same(await eventTypesOf(stores), ['users.deleted']);

    t.equal(await secondFactors.rename(user.id, factor.id, 'Telefon', [entryAbout(user.id)]), true);
    t.equal(await secondFactors.rename(user.id, factor.id, 'Telefon', [entry]), false, 'the same label');
    t.equal(await secondFactors.rename(someUser().id, factor.id, 'x', [entry]), false);
    t.same(await eventTypesOf(stores), ['users.deleted', 'users.deleted'], 'recorded once');
    const totp = { ...factor.totp, lastStep: 7 };
    t.same((await secondFactors.find(user.id))?.factors, [
      { ...factor, label: 'Telefon', confirmedAt: NOW + 5, totp },
    ]);
    t.equal(await secondFactors.remove(someUser().id, factor.id, null, []), null);
    t.equal(await secondFactors.remove(user.id, factor.id, null, []), true);
    t.same((await secondFactors.find(user.id))?.factors, []);
    t.equal(await hasFactor(), false);
  });

  await t.test('removing the last factor removes the recovery codes', async (t) => {
    const { secondFactors, user, factor } = await userWithFactor(await fresh(t));
    const second = someFactor(user.id);
    await secondFactors.add(second, null);
    await secondFactors.confirm({ userId: user.id, id: second.id, step: 1, at: NOW }, null, []);
    await secondFactors.remove(user.id, factor.id, null, []);
    t.equal((await secondFactors.find(user.id))?.recoveryCodes.length, 2);
    await secondFactors.remove(user.id, second.id, null, []);
    t.equal((await secondFactors.find(user.id))?.recoveryCodes.length, 0);
    t.equal(
      await secondFactors.replaceRecoveryCodes(user.id, [hash()], null, []),
      false,
      'nothing to recover',
    );
  });

  await t.test(
    'a passkey is added, is found by its credential id, and makes a new security version',
    async (t) => {
      const world = await userWithFactor(await fresh(t));
      const { secondFactors, user, users, factor, versionNow } = world;
      const passkey = somePasskey(user.id, {
        signCount: 7,
        transports: ['usb', 'nfc'],
        isBackupEligible: true,
      });
      const { credentialId } = passkey.passkey;
      const version = await versionNow();
      t.equal(await secondFactors.addPasskey(somePasskey(randomUUID()), null, []), null);
      t.equal(await secondFactors.findPasskeyOwner(credentialId), null);
      t.same(await eventTypesOf(world), []);
      const begun = someFactor(user.id);
      await secondFactors.add(begun, null);
      t.equal(await secondFactors.addPasskey(passkey, null, [entryAbout(user.id)]), 'added');
      const late = { userId: user.id, id: begun.id, step: 1, at: NOW };
      t.equal(
        await secondFactors.confirm(late, null, []),
        false,
        'a factor whose addition began before was removed',
      );
      t.same(await eventTypesOf(world), ['users.deleted']);
      t.not(await versionNow(), version);
      t.equal(await secondFactors.findPasskeyOwner(credentialId), user.id);
      t.same((await secondFactors.find(user.id))?.factors[1], passkey, 'stored to the last member');
      const again = { ...somePasskey(user.id), passkey: passkey.passkey };
      t.equal(await secondFactors.addPasskey(again, null, []), 'taken');
      t.same(
        (await secondFactors.listSealed(null, 10)).map(({ id }) => id),
        [factor.id],
        'a passkey has no sealed secret',
      );
      await secondFactors.remove(user.id, passkey.id, null, []);
      t.equal(await secondFactors.findPasskeyOwner(credentialId), null);
      t.equal(await secondFactors.addPasskey(again, null, []), 'added');
      await users.remove(user.id, null, { at: NOW, reason: 'account_deleted' }, []);
      t.equal(await secondFactors.findPasskeyOwner(credentialId), null);
    },
  );

  await t.test('an account has a limited number of factors', async (t) => {
    const { secondFactors, user } = await userWithFactor(await fresh(t));
    for (let n = 1; n < MAX_FACTORS; n += 1) {
      const factor = someFactor(user.id);
      t.equal(await secondFactors.add(factor, null), 'added');
      await secondFactors.confirm({ userId: user.id, id: factor.id, step: 1, at: NOW }, null, []);
    }
    t.equal(await secondFactors.add(someFactor(user.id), null), 'full');
    t.equal(await secondFactors.addPasskey(somePasskey(user.id), null, []), 'full');
    t.equal((await secondFactors.find(user.id))?.factors.length, MAX_FACTORS);
  });

  await t.test('a deleted account has neither factors nor codes', async (t) => {
    const { secondFactors, users, user } = await userWithFactor(await fresh(t));
    await users.remove(user.id, null, { at: NOW, reason: 'account_deleted' }, []);
    t.equal(await secondFactors.find(user.id), null);
    await users.create(user, []);
    t.match(await secondFactors.find(user.id), { factors: { length: 0 }, recoveryCodes: { length: 0 } });
  });

  await t.test(
    'sealed secrets are listed in pages, and replaced only if they are the expected ones',
    async (t) => {
      const stores = await fresh(t);
      const { secondFactors } = stores;
      const made = [await userWithFactor(stores), await userWithFactor(stores), await userWithFactor(stores)];
      const sorted = made.map(({ factor }) => ({ id: factor.id, sealed: factor.totp.sealedSecret }));
      sorted.sort((one, other) => (one.id < other.id ? -1 : 1));
      const first = await secondFactors.listSealed(null, 2);
      t.same(first, sorted.slice(0, 2));
      t.same(await secondFactors.listSealed(first.at(-1)?.id ?? null, 2), sorted.slice(2));
      const [one] = sorted as [{ id: string; sealed: string }];
      t.equal(await secondFactors.reseal({ id: one.id, sealed: 'newer' }, 'another'), false);
      t.equal(await secondFactors.reseal({ id: one.id, sealed: 'newer' }, one.sealed), true);
      t.same(await secondFactors.listSealed(null, 1), [{ id: one.id, sealed: 'newer' }]);
    },
  );
}

async function versions(t: Test, fresh: Fresh): Promise<void> {
  await t.test(
    'a change of the address and its undo make a new security version, and a request for a change makes none',
    async (t) => {
      const { emailChanges, emailLinks, user, versionNow } = await userWithFactor(await fresh(t));
      const link = (purpose: 'verify' | 'change' | 'undo', email: string) =>
        ({ hashedToken: hash(), userId: user.id, purpose, email, expiresAt: LATER }) as const;
      const seen = [await versionNow()];
      const verify = link('verify', user.email);
      await emailLinks.add(verify, []);
      await emailLinks.verify(verify.hashedToken, NOW, []);
      const [change, undo] = [link('change', 'ann@example.org'), link('undo', user.email)];
      await emailChanges.request({ change, undo }, null, []);
      t.equal(
        await versionNow(),
        seen[0],
        'neither a verification of the address nor a request makes a version',
      );
      await emailChanges.apply(change.hashedToken, { at: NOW, reservedUntil: LATER }, []);
      seen.push(await versionNow());
      await emailChanges.undo(undo.hashedToken, { from: change.email, at: NOW }, []);
      seen.push(await versionNow());
      t.equal(new Set(seen).size, 3);
    },
  );

  await t.test('each change of a factor, a code or the password makes a new security version', async (t) => {
    const { secondFactors, users, user, factor, versionNow } = await userWithFactor(await fresh(t));
    const seen = [FIRST_SECURITY_VERSION, await versionNow()];
    const note = async () => seen.push(await versionNow());
    const second = someFactor(user.id);
    await secondFactors.add(second, null);
    t.equal(await versionNow(), seen[1], 'an unconfirmed factor changes nothing');
    await secondFactors.confirm({ userId: user.id, id: second.id, step: 1, at: NOW }, null, []);
    await note();
    await secondFactors.remove(user.id, factor.id, null, []);
    await note();
    await secondFactors.replaceRecoveryCodes(user.id, [hash()], null, []);
    await note();
    const change = { passwordHash: 'newer', except: null, at: NOW };
    await users.changePassword(user.id, null, change, []);
    await note();
    const hashedToken = hash();
    await users.addReset({ hashedToken, userId: user.id, expiresAt: LATER }, []);
    await users.useReset(hashedToken, { ...change, passwordHash: 'newest' }, []);
    await note();
    t.equal(new Set(seen).size, 7);
    await secondFactors.rename(user.id, second.id, 'x', []);
    await users.changePassword(randomUUID(), null, change, []);
    await secondFactors.remove(user.id, factor.id, null, []);
    t.equal(await versionNow(), seen.at(-1), 'neither a new label nor a failed change makes a version');
    t.equal((await secondFactors.find(user.id))?.factors.length, 1, 'a reset leaves the factors');
  });
}

async function logins(t: Test, fresh: Fresh): Promise<void> {
  await t.test('a proof opens one session, and a challenge opens one session', async (t) => {
    const world = await userWithFactor(await fresh(t));
    const { logIn, code, codes, challenge, sessions } = world;
    t.equal(await logIn(code(10)), null, 'the code that confirmed the factor');
    t.equal(await logIn(code(9)), null, 'an earlier code');
    t.equal(await sessions(), 0);
    t.same(await eventTypesOf(world), []);
    const hashedNonce = await challenge();
    t.same(await logIn(code(11), { hashedNonce }), { sessions: [], claims: {} });
    t.equal(await logIn(code(12), { hashedNonce }), null, 'a used challenge');
    t.equal(await logIn(code(11)), null, 'a used code');
    t.same(
      await logIn(code(12)),
      { sessions: [], claims: {} },
      'a refusal uses up neither proof nor challenge',
    );
    const recovery = { kind: 'recovery_code', hash: codes[0] } as const;
    t.same(await logIn(recovery), { sessions: [], claims: {} });
    t.equal(await logIn(recovery), null);
    t.equal(await logIn({ ...recovery, hash: hash() }), null);
    t.same(await logIn({ ...recovery, hash: codes[1] }), { sessions: [], claims: {} });
    t.equal(await sessions(), 4);
    t.same(await eventTypesOf(world), Array(4).fill('users.deleted'));
    t.same((await world.secondFactors.find(world.user.id))?.recoveryCodes, []);
    t.match(await world.secondFactors.find(world.user.id), {
      recoveryCodes: [],
      factors: [{ lastUsedAt: NOW }],
    });
  });

  await t.test('a proof is good for its own account only', async (t) => {
    const stores = await fresh(t);
    const [ann, bob] = [await userWithFactor(stores), await userWithFactor(stores)];
    t.equal(await ann.logIn(bob.code(11)), null);
    t.equal(await ann.logIn({ kind: 'recovery_code', hash: bob.codes[0] }), null);
    t.same(await bob.logIn(bob.code(11)), { sessions: [], claims: {} });
  });

  await t.test('a challenge of an earlier security version opens no session', async (t) => {
    const { logIn, code, versionNow, secondFactors, users, user } = await userWithFactor(await fresh(t));
    const securityVersion = await versionNow();
    await secondFactors.replaceRecoveryCodes(user.id, [hash()], null, []);
    t.equal(await logIn(code(11), { securityVersion }), null);
    const current = await versionNow();
    await users.remove(user.id, null, { at: NOW, reason: 'account_deleted' }, []);
    t.equal(await logIn(code(11), { securityVersion: current }), null);
  });

  await t.test('an unconfirmed factor opens no session', async (t) => {
    const { logIn, secondFactors, user } = await userWithFactor(await fresh(t));
    const factor = someFactor(user.id);
    await secondFactors.add(factor, null);
    t.equal(await logIn({ kind: 'totp', factorId: factor.id, step: 1 }), null);
  });

  await t.test('a sign count that does not grow is refused, unless the passkey does not count', async (t) => {
    const { logIn, secondFactors, user } = await userWithFactor(await fresh(t));
    const [counting, constant] = [somePasskey(user.id, { signCount: 3 }), somePasskey(user.id)];
    for (const passkey of [counting, constant]) await secondFactors.addPasskey(passkey, null, []);
    const use = ({ id }: StoredPasskey, signCount: number) =>
      logIn({ kind: 'passkey', factorId: id, signCount, isBackupEligible: true });
    t.equal(await use(counting, 3), null);
    t.equal(await use(counting, 0), null);
    t.same(await use(counting, 4), { sessions: [], claims: {} });
    t.equal(await use(counting, 4), null);
    t.same(await use(constant, 0), { sessions: [], claims: {} });
    t.same(await use(constant, 0), { sessions: [], claims: {} });
    t.match((await secondFactors.find(user.id))?.factors[1], {
      lastUsedAt: NOW,
      passkey: { signCount: 4, isBackupEligible: true },
    });
  });

  await t.test('a login uses its challenge up, also without a stored answer', async (t) => {
    const { logIn, code } = await userWithFactor(await fresh(t));
    const hashedNonce = hash();
    t.same(await logIn(code(11), { hashedNonce }), { sessions: [], claims: {} });
    t.equal(await logIn(code(12), { hashedNonce }), null);
  });

  await t.test('a step-up uses up both its challenge and its proof, or neither', async (t) => {
    const world = await userWithFactor(await fresh(t));
    const { families, secondFactors, code, challenge } = world;
    const family = await world.open();
    const answered = { hashedNonce: await challenge(), expiresAt: LATER };
    const stepUp = (from: TokenFamily, step: number) =>
      world.stepUp(from, { ...code(step), challenge: answered });
    t.equal(await stepUp(family, 10), null, 'a used code');
    t.equal(await secondFactors.countAnswer(answered), true, 'the challenge is not used up');
    const next = await stepUp(family, 11);
    t.equal(next?.generation, 1);
    t.equal(await secondFactors.countAnswer(answered), false);
    t.equal(await stepUp(next ?? family, 12), null, 'a used challenge');
    t.same(await families.find(family.tokenFamily), next);
  });

  await t.test('a challenge takes a limited number of answers', async (t) => {
    const { secondFactors } = await fresh(t);
    const answer = { hashedNonce: hash(), expiresAt: LATER };
    for (let n = 0; n < MAX_ANSWERS; n += 1) t.equal(await secondFactors.countAnswer(answer), true);
    t.equal(await secondFactors.countAnswer(answer), false);
    t.equal(await secondFactors.countAnswer({ ...answer, hashedNonce: hash() }), true);
  });

  await t.test('a used challenge takes no answer, and expired challenges are removed', async (t) => {
    const { secondFactors, logIn, code } = await userWithFactor(await fresh(t));
    const answer = { hashedNonce: hash(), expiresAt: NOW };
    await secondFactors.countAnswer(answer);
    await logIn(code(11), answer);
    t.equal(await secondFactors.countAnswer(answer), false);
    t.equal(await secondFactors.forgetChallenges(NOW, 10), 0);
    t.equal(await secondFactors.forgetChallenges(NOW + 1, 10), 1);
    t.equal(await secondFactors.forgetChallenges(NOW + 1, 10), 0);
  });

  await t.test('a login without a second step is refused if the account has a factor', async (t) => {
    const stores = await fresh(t);
    const { families, user, secondFactors, factor, sessions } = await userWithFactor(stores);
    const open = (condition: Parameters<typeof families.open>[2], userId = user.id) =>
      families.open(someFamily({ userId }), [], condition);
    const refusing = { ...withHash(user.passwordHash), refuseSecondFactor: true };
    t.equal(await open(refusing), null);
    t.equal(await open({ refuseSecondFactor: true }), null);
    t.equal(await sessions(), 0);
    t.same(await open(withHash(user.passwordHash)), { sessions: [], claims: {} });
    t.same(
      await open({ refuseSecondFactor: true }, randomUUID()),
      { sessions: [], claims: {} },
      'a user without account',
    );
    await secondFactors.remove(user.id, factor.id, null, []);
    t.same(await open(refusing), { sessions: [], claims: {} });
    t.same(await open({ refuseSecondFactor: true }), { sessions: [], claims: {} });
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  const successes = (answers: readonly unknown[]) => answers.filter(Boolean).length;

  await t.test(
    'of many concurrent uses of one code, recovery code or challenge exactly one succeeds',
    async (t) => {
      const { logIn, code, codes, challenge } = await userWithFactor(await fresh(t));
      const ten = <T>(use: (n: number) => Promise<T>) =>
        Promise.all(Array.from({ length: 10 }, (_, n) => use(n)));
      t.equal(successes(await ten(() => logIn(code(11)))), 1, 'one use of the code succeeds');
      t.equal(
        successes(await ten(() => logIn({ kind: 'recovery_code', hash: codes[0] }))),
        1,
        'one use of the recovery code succeeds',
      );
      const hashedNonce = await challenge();
      t.equal(
        successes(await ten((n) => logIn(code(20 + n), { hashedNonce }))),
        1,
        'one use of the challenge succeeds',
      );
    },
  );

  await t.test('a proof that concurrent logins and step-ups use is accepted once', async (t) => {
    const { logIn, code, codes, open, stepUp } = await userWithFactor(await fresh(t));
    for (const use of [code(11), { kind: 'recovery_code', hash: codes[0] } as const]) {
      const families = await Promise.all(Array.from({ length: 5 }, open));
      const uses = families.flatMap((family) => [() => logIn(use), () => stepUp(family, use)]);
      t.equal(successes(await Promise.all(uses.map((attempt) => attempt()))), 1, use.kind);
    }
  });

  await t.test('a step-up by a code during a password reset leaves no session', async (t) => {
    const stores = await fresh(t);
    for (let round = 0; round < 10; round += 1) {
      const { code, users, user, sessions, open, stepUp, families } = await userWithFactor(stores);
      const [family, hashedToken] = [await open(), hash()];
      await users.addReset({ hashedToken, userId: user.id, expiresAt: LATER }, []);
      await Promise.all([
        stepUp(family, code(11)),
        users.useReset(hashedToken, { passwordHash: 'newer', except: null, at: NOW }, []),
      ]);
      t.equal(await sessions(), 0);
      const found = (await families.find(family.tokenFamily)) ?? family;
      t.equal(await stepUp(found, code(12)), null, 'and none succeeds after the reset');
    }
  });

  await t.test(
    'a step-up during the removal of its factor succeeds before the removal, or not at all',
    async (t) => {
      const stores = await fresh(t);
      for (let round = 0; round < 10; round += 1) {
        const { code, user, factor, open, stepUp, secondFactors } = await userWithFactor(stores);
        const family = await open();
        const [stepped] = await Promise.all([
          stepUp(family, code(11)),
          secondFactors.remove(user.id, factor.id, null, []),
        ]);
        t.equal(await stepUp(stepped ?? family, code(12)), null);
      }
    },
  );

  await t.test(
    'concurrent answers to a challenge get no more attempts than sequential answers',
    async (t) => {
      const { secondFactors } = await fresh(t);
      const answer = { hashedNonce: hash(), expiresAt: LATER };
      const answers = Array.from({ length: 20 }, () => secondFactors.countAnswer(answer));
      t.equal(successes(await Promise.all(answers)), MAX_ANSWERS);
    },
  );

  await t.test('a second step during a password reset leaves no session', async (t) => {
    const stores = await fresh(t);
    for (let round = 0; round < 10; round += 1) {
      const { logIn, code, users, user, sessions, versionNow, challenge } = await userWithFactor(stores);
      const [hashedToken, hashedNonce, securityVersion] = [hash(), await challenge(), await versionNow()];
      await users.addReset({ hashedToken, userId: user.id, expiresAt: LATER }, []);
      await Promise.all([
        logIn(code(11), { securityVersion, hashedNonce }),
        users.useReset(hashedToken, { passwordHash: 'newer', except: null, at: NOW }, []),
      ]);
      t.equal(await sessions(), 0);
    }
  });

  await t.test('a login by password alone never succeeds after a factor was added', async (t) => {
    const stores = await fresh(t);
    for (let round = 0; round < 10; round += 1) {
      const user = someUser();
      await stores.users.create(user, []);
      const factor = someFactor(user.id);
      await stores.secondFactors.add(factor, null);
      const open = () =>
        stores.families.open(someFamily({ userId: user.id }), [], {
          passwordHash: user.passwordHash,
          refuseSecondFactor: true,
        });
      const confirm = stores.secondFactors
        .confirm({ userId: user.id, id: factor.id, step: 1, at: NOW }, null, [])
        .then(open);
      const answers = await Promise.all([open(), confirm, open()]);
      t.equal(answers[1], null);
    }
  });

  await t.test('changes and logins of one account never block each other', async (t) => {
    const { secondFactors, families, users, user, logIn, code, factor } = await userWithFactor(
      await fresh(t),
    );
    for (let round = 0; round < 10; round += 1) {
      const expected = round === 0 ? user.passwordHash : `hash ${round - 1}`;
      const change = { passwordHash: `hash ${round}`, except: null, at: NOW };
      const added = someFactor(user.id);
      await Promise.all([
        logIn(code(100 + 2 * round)),
        logIn(code(101 + 2 * round)),
        families.open(someFamily({ userId: user.id }), [], withHash(expected)),
        users.changePassword(user.id, null, change, []),
        secondFactors.add(added, null),
        secondFactors.replaceRecoveryCodes(user.id, [hash()], null, []),
        secondFactors.remove(user.id, added.id, null, []),
        families.revokeAll(user.id, { at: NOW, reason: 'logout', except: null, origin: SYSTEM }),
      ]);
    }
    t.equal((await secondFactors.find(user.id))?.factors[0]?.id, factor.id);
  });

  await t.test('concurrent enrolments leave one unconfirmed factor', async (t) => {
    const { secondFactors, user } = await userWithFactor(await fresh(t));
    await Promise.all(Array.from({ length: 10 }, () => secondFactors.add(someFactor(user.id), null)));
    t.equal((await secondFactors.find(user.id))?.factors.length, 2);
  });
}
