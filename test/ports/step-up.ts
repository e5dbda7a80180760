import type { Test } from 'tap';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import type { StepUp } from '../../src/ports/stores/token-families.ts';
import { entry, hash, NOW, rotationOf, someFamily } from '../support/families.ts';
import { someUser, type UserStores } from './users.ts';

const LATER = NOW + 86_400_000;

/** A step-up of the family in its current state, by the password of its user. */
function stepUpOf(family: TokenFamily, passwordHash: string, values: Partial<StepUp> = {}): StepUp {
  const rotation = rotationOf(family);
  const { rotatedAt: authTime, generation } = rotation.next;
  return {
    ...rotation,
    authentication: { authTime, amr: ['pwd', 'mfa'], acr: 'aal2', generation },
    proof: { kind: 'password', passwordHash },
    ...values,
  };
}

/** The contract of {@link TokenFamilies.stepUp}. */
export async function stepUpContract(t: Test, fresh: (t: Test) => Promise<UserStores>): Promise<void> {
  const withFamily = async (t: Test) => {
    const stores = await fresh(t);
    const user = someUser();
    await stores.users.create(user, []);
    const family = someFamily({
      userId: user.id,
      authentication: { authTime: NOW - 5_000, amr: ['pwd'], acr: 'aal1', generation: 0 },
    });
    await stores.families.open(family, []);
    const count = async () => (await stores.outbox.claim('event', LATER, LATER, 1_000)).length;
    return { ...stores, user, family, count };
  };

  await t.test('a step-up rotates the family and replaces its authentication', async (t) => {
    const { families, user, family, count } = await withFamily(t);
    const change = stepUpOf(family, user.passwordHash);
    const expected = { ...family, ...change.next, authentication: change.authentication };
    t.same(await families.stepUp(change, [entry(family)]), expected);
    t.same(await families.find(family.tokenFamily), expected);
    t.equal(await count(), 1);
    const rotation = rotationOf(expected);
    t.same(
      await families.rotate(rotation, []),
      { ...expected, ...rotation.next },
      'a refresh keeps the authentication',
    );
  });

  await t.test('a step-up without any authentication method (`amr`) is stored', async (t) => {
    const { families, user, family } = await withFamily(t);
    const authentication = { authTime: NOW, amr: [], acr: null, generation: 1 };
    await families.stepUp(stepUpOf(family, user.passwordHash, { authentication }), []);
    t.same((await families.find(family.tokenFamily))?.authentication, authentication);
  });

  await t.test('a step-up whose proof no longer holds changes nothing', async (t) => {
    const { families, users, user, family, count } = await withFamily(t);
    const assertRefused = async (change: StepUp, why: string) => {
      t.equal(await families.stepUp(change, [entry(family)]), null, why);
      t.same(await families.find(family.tokenFamily), family, why);
    };
    await assertRefused(stepUpOf(family, 'another hash'), 'another password');
    const change = { passwordHash: 'a new hash', except: family.tokenFamily, at: NOW };
    await users.changePassword(user.id, null, change, []);
    await assertRefused(stepUpOf(family, user.passwordHash), 'the former password');
    const stranger = someUser();
    await users.create(stranger, []);
    await assertRefused(stepUpOf(family, stranger.passwordHash), 'the password of another user');
    t.equal(await count(), 0);
    t.not(await families.stepUp(stepUpOf(family, 'a new hash'), []), null);
  });

  await t.test('a step-up changes nothing if the row is not the expected one', async (t) => {
    const { families, user, family, count } = await withFamily(t);
    for (const values of [
      { generation: 1 },
      { hashedRefreshTokenId: hash() },
      { scheme: 'hmac-sha512.key2' },
    ]) {
      const change = stepUpOf(family, user.passwordHash, { expected: { ...family, ...values } });
      t.equal(await families.stepUp(change, [entry(family)]), null, Object.keys(values).join());
    }
    const stranger = { expected: { ...family, userId: someUser().id } };
    t.equal(await families.stepUp(stepUpOf(family, user.passwordHash, stranger), []), null, 'another user');
    t.same(await families.find(family.tokenFamily), family);
    await families.revoke(family.tokenFamily, { at: NOW, reason: 'logout' }, []);
    t.equal(await families.stepUp(stepUpOf(family, user.passwordHash), [entry(family)]), null, 'revoked');
    t.equal(await count(), 0);
  });

  await t.test('an entry that cannot be recorded undoes the step-up', async (t) => {
    const { families, user, family } = await withFamily(t);
    const taken = entry(family);
    await families.record(family.tokenFamily, [taken]);
    await t.rejects(families.stepUp(stepUpOf(family, user.passwordHash), [taken]));
    t.same(await families.find(family.tokenFamily), family);
  });

  await t.test('of many concurrent step-ups and refreshes of one row one succeeds', async (t) => {
    const { families, user, family, count } = await withFamily(t);
    const attempts = Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0
        ? families.stepUp(stepUpOf(family, user.passwordHash), [entry(family)])
        : families.rotate(rotationOf(family), [entry(family)]),
    );
    const [winner, ...others] = (await Promise.all(attempts)).filter((row) => row !== null);
    t.same(await families.find(family.tokenFamily), winner);
    t.equal(others.length, 0);
    t.equal(await count(), 1);
  });

  await t.test(
    'a step-up during a change of the password succeeds before the change, or not at all',
    async (t) => {
      for (let round = 0; round < 20; round += 1) {
        const { families, users, user, family } = await withFamily(t);
        const change = { passwordHash: 'a new hash', except: null, at: NOW };
        const [stepped, changed] = await Promise.all([
          families.stepUp(stepUpOf(family, user.passwordHash), []),
          users.changePassword(user.id, null, change, []),
        ]);
        t.same(changed?.sessions, [family.tokenFamily]);
        const found = await families.find(family.tokenFamily);
        t.equal(found?.revoked?.reason, 'password_changed');
        t.equal(found?.generation, stepped === null ? 0 : 1);
        t.equal(await families.stepUp(stepUpOf(found ?? family, 'a new hash'), []), null);
      }
    },
  );
}
