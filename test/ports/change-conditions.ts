import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { SYSTEM } from '../../src/domain/audit.ts';
import type { ChangeCondition } from '../../src/ports/stores/change-condition.ts';
import type { OutboxEntry } from '../../src/ports/stores/outbox.ts';
import { hash, NOW, someFamily } from '../support/families.ts';
import type { FactorStores } from './second-factors.ts';
import { someFactor, somePasskey } from './second-factors.ts';
import type { StateStores } from './user-states.ts';
import { someUser } from './users.ts';

type Stores = FactorStores & StateStores;
type Fresh = (t: Test) => Promise<Stores>;

const LATER = NOW + 300_000;
const SESSION_END = NOW + 1_000_000;

/** An account with a confirmed factor, an unconfirmed one, recovery codes, and two sessions. */
export async function withAccount(stores: Stores) {
  const { users, families, secondFactors } = stores;
  const user = someUser();
  await users.create(user, []);
  const [factor, begun] = [someFactor(user.id), someFactor(user.id)];
  await secondFactors.add(factor, null);
  await secondFactors.confirm({ userId: user.id, id: factor.id, step: 1, at: NOW }, null, []);
  await secondFactors.replaceRecoveryCodes(user.id, [hash()], null, []);
  await secondFactors.add(begun, null);
  const open = async (userId: string) => {
    const family = someFamily({ userId, expiresAt: SESSION_END });
    await families.open(family, []);
    return family.tokenFamily;
  };
  const [requesting, other, stranger] = [await open(user.id), await open(user.id), await open(randomUUID())];
  const versionNow = async () => (await secondFactors.find(user.id))?.securityVersion ?? '';
  const condition = { securityVersion: await versionNow(), sessionId: requesting, now: NOW };
  const state = async () => [await users.find(user.id), await secondFactors.find(user.id)];
  return { ...stores, user, factor, begun, requesting, other, stranger, condition, state, versionNow };
}

export type World = Awaited<ReturnType<typeof withAccount>>;

const passwordOf = (except: string | null) => ({ passwordHash: `hash ${hash()}`, except, at: NOW });

function linksOf({ user }: World) {
  const link = { userId: user.id, expiresAt: LATER };
  return {
    change: { ...link, purpose: 'change', email: 'new@example.org', hashedToken: hash() },
    undo: { ...link, purpose: 'undo', email: user.email, hashedToken: hash() },
  } as const;
}

type Change = (
  world: World,
  condition: ChangeCondition | null,
  entries: readonly OutboxEntry[],
) => Promise<unknown>;

/** Every change that takes a condition. */
export const CHANGES: Readonly<Record<string, Change>> = {
  'a new password': ({ users, user, requesting }, condition, entries) =>
    users.changePassword(user.id, condition, passwordOf(requesting), entries),
  'the deletion of the account': ({ users, user }, condition, entries) =>
    users.remove(user.id, condition, { at: NOW, reason: 'account_deleted' }, entries),
  'a request for another address': (world, condition, entries) =>
    world.emailChanges.request(linksOf(world), condition, entries),
  'the confirmation of a factor': ({ secondFactors, user, begun }, condition, entries) =>
    secondFactors.confirm({ userId: user.id, id: begun.id, step: 1, at: NOW }, condition, entries),
  'a new unconfirmed factor': ({ secondFactors, user }, condition) =>
    secondFactors.add(someFactor(user.id), condition),
  'a new passkey': ({ secondFactors, user }, condition, entries) =>
    secondFactors.addPasskey(somePasskey(user.id), condition, entries),
  'the removal of a factor': ({ secondFactors, user, factor }, condition, entries) =>
    secondFactors.remove(user.id, factor.id, condition, entries),
  'new recovery codes': ({ secondFactors, user }, condition, entries) =>
    secondFactors.replaceRecoveryCodes(user.id, [hash()], condition, entries),
};

/** Whether this change, named by a key of {@link CHANGES}, makes a new security version. */
const makesNewVersion = (name: string) => !/request|unconfirmed/.test(name);

/** What can happen between the authorization of a request and its change. */
const EVENTS: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'a new password that keeps the session': ({ users, user, requesting }) =>
    users.changePassword(user.id, null, passwordOf(requesting), []),
  'a new password that ends the session': ({ users, user, other }) =>
    users.changePassword(user.id, null, passwordOf(other), []),
  'a password reset': async ({ users, user }) => {
    const hashedToken = hash();
    await users.addReset({ hashedToken, userId: user.id, expiresAt: LATER }, []);
    return users.useReset(hashedToken, passwordOf(null), []);
  },
  'a new hash of the same password': ({ users, user }) => users.rehash(user.id, user.passwordHash, 'newer'),
  'another address': ({ users, user }) =>
    users.change(user, { ...user, email: `${hash()}@example.org` }, { at: NOW }, []),
  'another factor': ({ secondFactors, user }) => secondFactors.addPasskey(somePasskey(user.id), null, []),
  'the end of the session': ({ families, requesting }) =>
    families.revoke(requesting, { at: NOW, reason: 'logout' }, []),
  'the end of all sessions': ({ families, user }) =>
    families.revokeAll(user.id, { at: NOW, reason: 'logout', except: null, origin: SYSTEM }),
  'the disabling of the user': ({ userStates, user }) => userStates.disable(user.id, NOW, []),
};

function entryAbout({ user }: World): OutboxEntry {
  const event = { type: 'users.deleted', occurredAt: NOW, data: { userId: user.id } } as const;
  return { id: randomUUID(), kind: 'event', event };
}

const countEntries = async ({ outbox }: World) =>
  (await outbox.claim('event', LATER, LATER, 100)).filter(({ event }) => event.type === 'users.deleted')
    .length;

/** The contract of {@link ChangeCondition}, for each method that takes one. */
export async function changeConditionsContract(t: Test, fresh: Fresh): Promise<void> {
  await t.test('conditions that hold, and conditions that do not', (t) => behavior(t, fresh));
  await t.test('changes after their authorization', (t) => afterEvents(t, fresh));
  await t.test('factors that wait for their confirmation', (t) => pending(t, fresh));
  await t.test('concurrency', (t) => concurrency(t, fresh));
}

async function behavior(t: Test, fresh: Fresh): Promise<void> {
  const stores = await fresh(t);
  for (const [name, change] of Object.entries(CHANGES)) {
    await t.test(`${name} is made if the condition holds`, async (t) => {
      const world = await withAccount(stores);
      const before = await world.versionNow();
      t.ok(await change(world, { ...world.condition, now: SESSION_END - 1 }, []));
      if (name === 'the deletion of the account') t.equal(await world.users.find(world.user.id), null);
      else if (makesNewVersion(name)) t.not(await world.versionNow(), before);
    });

    await t.test(`${name} is refused if the condition does not hold`, async (t) => {
      const world = await withAccount(stores);
      const { condition, stranger, state } = world;
      const before = await state();
      for (const [why, outdated] of Object.entries({
        'another security version': { securityVersion: randomUUID() },
        'the session of another user': { sessionId: stranger },
        'an unknown session': { sessionId: randomUUID() },
        'an expired session': { now: SESSION_END },
      }))
        t.notOk(await change(world, { ...condition, ...outdated }, [entryAbout(world)]), why);
      t.same(await state(), before);
      t.equal(await countEntries(world), 0);
    });
  }
}

async function afterEvents(t: Test, fresh: Fresh): Promise<void> {
  const stores = await fresh(t);
  for (const [eventName, event] of Object.entries(EVENTS))
    await t.test(`after ${eventName} no change that was authorized before is made`, async (t) => {
      for (const [name, change] of Object.entries(CHANGES)) {
        const world = await withAccount(stores);
        t.ok(await event(world), 'the event has an effect');
        const before = await world.state();
        t.notOk(await change(world, world.condition, [entryAbout(world)]), name);
        t.same(await world.state(), before, name);
        t.equal(await countEntries(world), 0, name);
      }
    });
}

async function pending(t: Test, fresh: Fresh): Promise<void> {
  const stores = await fresh(t);
  const { 'the end of the session': _, 'the end of all sessions': __, ...versionEvents } = EVENTS;
  const enableUser = async ({ userStates, secondFactors, user, begun }: World) => {
    await userStates.disable(user.id, NOW, []);
    // Disabling the user removed the factor, so the factor is added again.
    return (await secondFactors.add(begun, null)) === 'added' && userStates.enable(user.id, []);
  };
  for (const [name, event] of Object.entries({ ...versionEvents, 'the enabling of the user': enableUser }))
    await t.test(`${name} removes the factor that waits for its confirmation`, async (t) => {
      const world = await withAccount(stores);
      const { secondFactors, user, begun, factor } = world;
      t.ok(await event(world), 'the event has an effect');
      const confirmation = { userId: user.id, id: begun.id, step: 1, at: NOW };
      t.equal(await secondFactors.confirm(confirmation, null, []), false);
      const { factors } = (await secondFactors.find(user.id)) ?? {};
      t.equal(factors?.[0]?.id, factor.id, 'the confirmed factor stays');
      t.notOk(factors?.some(({ id }) => id === begun.id));
    });

  await t.test('the first security version of a user removes the factor that waits, too', async (t) => {
    const { users, secondFactors } = stores;
    const user = someUser();
    await users.create(user, []);
    const begun = someFactor(user.id);
    await secondFactors.add(begun, null);
    await users.changePassword(user.id, null, passwordOf(null), []);
    t.same((await secondFactors.find(user.id))?.factors, []);
  });

  await t.test('a session, and the claims of the user, do not remove the factor that waits', async (t) => {
    const { users, families, userStates, secondFactors } = stores;
    const user = someUser();
    await users.create(user, []);
    const begun = someFactor(user.id);
    await secondFactors.add(begun, null);
    await families.open(someFamily({ userId: user.id }), []);
    await userStates.setClaims(user.id, { role: 'admin' }, []);
    t.same((await secondFactors.find(user.id))?.factors, [begun]);
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  await t.test(
    'of concurrent changes that one security version authorized and that replace it, one succeeds',
    async (t) => {
      const stores = await fresh(t);
      for (let round = 0; round < 5; round += 1) {
        const world = await withAccount(stores);
        const versionChanges = Object.entries(CHANGES).filter(([name]) => makesNewVersion(name));
        const results = await Promise.all(
          versionChanges.map(([, change]) => change(world, world.condition, [])),
        );
        t.equal(results.filter(Boolean).length, 1);
      }
    },
  );

  await t.test('changes and the events that end their authorization never block each other', async (t) => {
    const stores = await fresh(t);
    for (const event of Object.values(EVENTS)) {
      const world = await withAccount(stores);
      const { 'the deletion of the account': _, ...changes } = CHANGES;
      await Promise.all([
        ...Object.values(changes).map((change) => change(world, world.condition, [])),
        event(world),
        ...Object.values(changes).map((change) => change(world, world.condition, [])),
      ]);
      t.notOk(await CHANGES['a new password']?.(world, world.condition, []));
    }
  });
}
