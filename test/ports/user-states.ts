import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { OutboxEntry } from '../../src/ports/stores/outbox.ts';
import type { UserStates } from '../../src/ports/stores/user-states.ts';
import { NOW, rotationOf, someFamily } from '../support/families.ts';
import type { FactorStores } from './second-factors.ts';
import { someUser, withHash } from './users.ts';

export interface StateStores extends FactorStores {
  readonly userStates: UserStates;
}

type Fresh = (t: Test) => Promise<StateStores>;

const LATER = NOW + 86_400_000;
/** How often a race is repeated. Races with changes of claims are repeated a quarter as often. */
const ROUNDS = 200;

function entryAbout(userId: string): OutboxEntry {
  return {
    id: randomUUID(),
    kind: 'event',
    event: { type: 'users.disabled', occurredAt: NOW, data: { userId } },
  };
}

const claimEvents = async ({ outbox }: StateStores) =>
  (await outbox.claim('event', LATER, LATER + 1, 100)).map(({ event }) => event);

/** The contract of {@link UserStates}, and of the methods of {@link TokenFamilies} that depend on these states. */
export async function userStatesContract(t: Test, fresh: Fresh): Promise<void> {
  await t.test('behavior', (t) => disabling(t, fresh));
  await t.test('claims', (t) => claims(t, fresh));
  await t.test('atomicity', (t) => atomicity(t, fresh));
  await t.test('concurrency', (t) => concurrency(t, fresh));
}

async function disabling(t: Test, fresh: Fresh): Promise<void> {
  await t.test('a user id without a stored state is enabled and has no claims', async (t) => {
    const { userStates } = await fresh(t);
    const userId = randomUUID();
    t.same(await userStates.find(userId), { userId, disabledAt: null, claims: {} });
  });

  await t.test('a disabled user has no session, and can open none until enabled', async (t) => {
    const stores = await fresh(t);
    const { families, userStates } = stores;
    const [one, two] = [someFamily(), someFamily()];
    const other = someFamily({ userId: one.userId });
    for (const family of [one, two, other]) await families.open(family, []);
    const ended = await userStates.disable(one.userId, NOW + 5, [entryAbout(one.userId)]);
    t.same([...(ended?.sessions ?? [])].sort(), [one.tokenFamily, other.tokenFamily].sort());
    t.same((await families.find(one.tokenFamily))?.revoked, { at: NOW + 5, reason: 'disabled' });
    t.equal((await families.find(two.tokenFamily))?.revoked, null, 'another user keeps the session');
    t.equal((await userStates.find(one.userId)).disabledAt, NOW + 5);
    t.equal(await userStates.disable(one.userId, NOW + 6, [entryAbout(one.userId)]), null, 'only once');
    const refused = someFamily({ userId: one.userId });
    t.equal(await families.open(refused, [entryAbout(one.userId)]), 'disabled');
    t.equal(await families.find(refused.tokenFamily), null);
    const types = (await claimEvents(stores)).map(({ type }) => type).sort();
    t.same(types, ['sessions.revoked', 'sessions.revoked', 'users.disabled']);

    t.equal(await userStates.enable(one.userId, [entryAbout(one.userId)]), true);
    t.equal(await userStates.enable(one.userId, [entryAbout(one.userId)]), false);
    t.equal((await claimEvents(stores)).length, 1);
    t.same(await families.open(refused, []), { sessions: [], claims: {} });
  });

  await t.test('disabling and enabling each set a new security version', async (t) => {
    const { users, secondFactors, userStates } = await fresh(t);
    const user = someUser();
    await users.create(user, []);
    const versionOf = async () => (await secondFactors.find(user.id))?.securityVersion;
    const versions = [await versionOf()];
    await userStates.disable(user.id, NOW, []);
    versions.push(await versionOf());
    t.equal((await secondFactors.find(user.id))?.isDisabled, true);
    await userStates.enable(user.id, []);
    versions.push(await versionOf());
    t.equal((await secondFactors.find(user.id))?.isDisabled, false);
    t.equal(new Set(versions).size, 3);
  });

  await t.test('a deleted account stays disabled', async (t) => {
    const { users, userStates } = await fresh(t);
    const user = someUser();
    await users.create(user, []);
    await userStates.disable(user.id, NOW, []);
    await users.remove(user.id, null, { at: NOW, reason: 'account_deleted' }, []);
    t.equal((await userStates.find(user.id)).disabledAt, NOW);
  });
}

async function claims(t: Test, fresh: Fresh): Promise<void> {
  await t.test('a login has the claims of its user, overridden by its own', async (t) => {
    const { families, userStates } = await fresh(t);
    const sessionClaims = { plan: 'trial', seat: { floor: 2 } };
    const family = someFamily({ sessionClaims, deviceName: 'Ann’s phone' });
    await userStates.setClaims(family.userId, { plan: 'paid', team: 'red' }, []);
    const merged = { team: 'red', ...sessionClaims };
    t.same(await families.open(family, []), { sessions: [], claims: merged });
    t.same(await families.find(family.tokenFamily), { ...family, claims: merged });
  });

  await t.test('changed claims of a user come with the next pair of each live session', async (t) => {
    const { families, userStates } = await fresh(t);
    const family = someFamily({ sessionClaims: { plan: 'trial' } });
    const plain = someFamily({ userId: family.userId });
    for (const each of [family, plain]) await families.open(each, []);
    await userStates.setClaims(family.userId, { plan: 'paid', team: 'red' }, []);
    const pending = await families.find(family.tokenFamily);
    t.match(pending, { claims: { plan: 'trial' }, nextClaims: { plan: 'trial', team: 'red' } });
    const rotation = rotationOf(family);
    const rotated = {
      ...family,
      ...rotation.next,
      claims: { plan: 'trial', team: 'red' },
      nextClaims: null,
    };
    t.same(await families.rotate(rotation, []), rotated);
    t.same(await families.find(family.tokenFamily), rotated);
    const again = rotationOf({ ...family, ...rotation.next });
    t.same((await families.rotate(again, []))?.claims, rotated.claims, 'the claims stay');
    t.same((await families.rotate(rotationOf(plain), []))?.claims, { plan: 'paid', team: 'red' });
  });

  await t.test('claims that equal the stored claims change and record nothing', async (t) => {
    const stores = await fresh(t);
    const { userStates } = stores;
    const userId = randomUUID();
    t.equal(await userStates.setClaims(userId, {}, [entryAbout(userId)]), false, 'a user without claims');
    t.equal(await userStates.setClaims(userId, { team: 'red', seat: 4 }, [entryAbout(userId)]), true);
    t.equal(await userStates.setClaims(userId, { seat: 4, team: 'red' }, [entryAbout(userId)]), false);
    t.equal((await claimEvents(stores)).length, 1);
  });

  await t.test('the next pair does not contain claims that were removed', async (t) => {
    const { families, userStates } = await fresh(t);
    const family = someFamily();
    await userStates.setClaims(family.userId, { team: 'red' }, []);
    await families.open(family, []);
    await userStates.setClaims(family.userId, {}, []);
    t.same((await families.find(family.tokenFamily))?.claims, { team: 'red' });
    t.same((await families.rotate(rotationOf(family), []))?.claims, {});
  });

  await t.test('a change of a session keeps the members that it does not name', async (t) => {
    const stores = await fresh(t);
    const { families, userStates } = stores;
    const family = someFamily({ deviceName: 'phone', sessionClaims: { plan: 'trial' } });
    await userStates.setClaims(family.userId, { team: 'red' }, []);
    await families.open(family, []);
    const renamed = await families.update(family, { deviceName: null }, [entryAbout(family.userId)]);
    t.match(renamed, { deviceName: null, sessionClaims: { plan: 'trial' }, nextClaims: null });
    const changed = await families.update(family, { sessionClaims: { seat: 4 } }, []);
    t.match(changed, { deviceName: null, sessionClaims: { seat: 4 } });
    t.same(changed?.nextClaims, { team: 'red', seat: 4 });
    t.same(changed, await families.find(family.tokenFamily));
    t.equal((await claimEvents(stores)).length, 1);
    const sameClaims = { deviceName: null, sessionClaims: { seat: 4 } };
    t.equal(await families.update(family, sameClaims, [entryAbout(family.userId)]), null, 'the same values');
    t.same(await families.find(family.tokenFamily), changed);
    t.same(await claimEvents(stores), []);
    t.equal(await families.update({ ...family, userId: randomUUID() }, {}, []), null, 'of another user');
    await families.revoke(family.tokenFamily, { at: NOW, reason: 'logout' }, []);
    t.equal(await families.update(family, { deviceName: 'tv' }, [entryAbout(family.userId)]), null);
    t.same(await claimEvents(stores), []);
  });
}

async function atomicity(t: Test, fresh: Fresh): Promise<void> {
  await t.test('an entry that cannot be recorded undoes the change', async (t) => {
    const stores = await fresh(t);
    const { families, userStates } = stores;
    const family = someFamily();
    const taken = entryAbout(family.userId);
    await families.open(family, [taken]);
    await t.rejects(userStates.disable(family.userId, NOW, [taken]));
    await t.rejects(userStates.setClaims(family.userId, { team: 'red' }, [taken]));
    await t.rejects(families.update(family, { deviceName: 'tv' }, [taken]));
    t.same(await userStates.find(family.userId), { userId: family.userId, disabledAt: null, claims: {} });
    t.same(await families.find(family.tokenFamily), family);
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  await t.test('a login during the disabling of its user leaves no session', async (t) => {
    const { users, families, userStates } = await fresh(t);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const user = someUser();
      if (round % 2 === 0) await users.create(user, []);
      const logins = [1, 2].map(() => someFamily({ userId: user.id }));
      const condition = round % 2 === 0 ? withHash(user.passwordHash) : undefined;
      const open = () => logins.map((family) => families.open(family, [], condition));
      const disable = () => [userStates.disable(user.id, NOW, [])];
      const [first, second] = round % 3 === 0 ? [disable, open] : [open, disable];
      const answers = await Promise.all([...first(), ...second()]);
      for (const answer of answers) if (answer === 'disabled') refused += 1;
      t.same(await families.list(user.id, { now: NOW, limit: 10, after: null }), []);
    }
    // With one connection, as in the embedded database, every login comes after the disabling.
    t.comment(`${refused} of ${2 * ROUNDS} logins came after the disabling`);
  });

  await t.test(
    'a login during the enabling of its user leaves a session if and only if it succeeds',
    async (t) => {
      const { families, userStates } = await fresh(t);
      for (let round = 0; round < ROUNDS; round += 1) {
        const family = someFamily();
        await userStates.disable(family.userId, NOW, []);
        const [opened] = await Promise.all([families.open(family, []), userStates.enable(family.userId, [])]);
        t.equal((await families.find(family.tokenFamily)) !== null, opened !== 'disabled');
      }
    },
  );

  await t.test('a login or rotation during a change of claims never misses the change', async (t) => {
    const { families, userStates } = await fresh(t);
    for (let round = 0; round < ROUNDS / 4; round += 1) {
      const userId = randomUUID();
      const [earlier, login] = [someFamily({ userId }), someFamily({ userId })];
      await families.open(earlier, []);
      await Promise.all([
        families.open(login, []),
        families.rotate(rotationOf(earlier), []),
        userStates.setClaims(userId, { team: 'red' }, []),
      ]);
      for (const { tokenFamily } of [earlier, login]) {
        const family = await families.find(tokenFamily);
        t.same(family?.nextClaims ?? family?.claims, { team: 'red' });
      }
    }
  });

  await t.test('concurrent changes of the claims of a user and of a session are both kept', async (t) => {
    const { families, userStates } = await fresh(t);
    for (let round = 0; round < ROUNDS / 4; round += 1) {
      const family = someFamily();
      await families.open(family, []);
      await Promise.all([
        userStates.setClaims(family.userId, { team: 'red' }, []),
        families.update(family, { sessionClaims: { seat: 4 } }, []),
        families.update(family, { deviceName: 'tv' }, []),
      ]);
      const found = await families.find(family.tokenFamily);
      t.match(found, { deviceName: 'tv', nextClaims: { team: 'red', seat: 4 } });
    }
  });
}
