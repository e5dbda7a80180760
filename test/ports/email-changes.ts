import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { identifierOf, type User } from '../../src/domain/user.ts';
import type { RequestedChange } from '../../src/ports/stores/email-changes.ts';
import type { OutboxEntry } from '../../src/ports/stores/outbox.ts';
import { hash, NOW, someFamily } from '../support/families.ts';
import { someUser, type UserStores } from './users.ts';

type Fresh = (t: Test) => Promise<UserStores>;

const DAY = 86_400_000;
const AT = NOW + 1_000;
const RESERVED_UNTIL = AT + 7 * DAY;
const TIMES = { at: AT, reservedUntil: RESERVED_UNTIL };

function requestOf({ id: userId, email: former }: User, email: string, expiresAt = NOW + DAY) {
  return {
    change: { hashedToken: hash(), userId, purpose: 'change', email, expiresAt },
    undo: { hashedToken: hash(), userId, purpose: 'undo', email: former, expiresAt: expiresAt + 6 * DAY },
  } satisfies RequestedChange;
}

const changedEntry = ({ id: userId }: User): OutboxEntry => ({
  id: randomUUID(),
  kind: 'event',
  event: {
    type: 'users.email_changed',
    occurredAt: NOW,
    data: { userId, undone: false, address: '203.0.113.1', userAgent: 'x' },
  },
});

const eventTypesOf = async ({ outbox }: UserStores) =>
  (await outbox.claim('event', NOW + DAY, NOW + DAY, 100)).map(({ event }) => event.type);

async function withUser(t: Test, fresh: Fresh, values: Partial<User> = {}) {
  const stores = await fresh(t);
  const user = someUser({ emailVerifiedAt: NOW, ...values });
  await stores.users.create(user, []);
  const { users, emailChanges } = stores;
  return {
    ...stores,
    user,
    addressOf: async () => (await users.find(user.id))?.email,
    /** Requests a change of the account's address, and uses the link. */
    async change(email: string, expiresAt?: number) {
      const present = (await users.find(user.id)) ?? user;
      const requested = requestOf(present, email, expiresAt);
      await emailChanges.request(requested, null, []);
      t.equal(await emailChanges.apply(requested.change.hashedToken, TIMES, []), 'changed');
      return requested;
    },
  };
}

/** The contract of {@link EmailChanges}, and of the methods of {@link Users} that concern changes of addresses. */
export function emailChangesContract(t: Test, fresh: Fresh): void {
  t.test('changes', (t) => changes(t, fresh));
  t.test('undoing', (t) => undoing(t, fresh));
  t.test('concurrency', (t) => concurrency(t, fresh));
  t.end();
}

async function changes(t: Test, fresh: Fresh): Promise<void> {
  await t.test('the link sets the new address as verified, once', async (t) => {
    const stores = await withUser(t, fresh);
    const { emailChanges, users, user } = stores;
    const { change, undo } = requestOf(user, 'New@example.org');
    t.equal(await emailChanges.request({ change, undo }, null, [changedEntry(user)]), true);
    t.same(await eventTypesOf(stores), ['users.email_changed'], 'the entry came with the links');
    const { hashedToken } = change;
    t.same(await emailChanges.find(hashedToken, 'change', NOW), { user, email: 'New@example.org' });
    t.equal(await emailChanges.find(hashedToken, 'undo', NOW), null);
    t.same(await emailChanges.find(undo.hashedToken, 'undo', NOW), { user, email: user.email });
    t.same(await users.find(user.id), user, 'a request changes nothing');

    t.equal(await emailChanges.apply(hashedToken, TIMES, [changedEntry(user)]), 'changed');
    const changed = { ...user, email: 'New@example.org', emailVerifiedAt: AT };
    t.same(await users.find(user.id), changed);
    t.match(await users.findByIdentifier('new@example.org'), changed);
    t.equal(await users.findByIdentifier(user.email), null, 'the former address finds no account');
    t.match(await users.findByIdentifier(user.username), changed);
    t.equal(await emailChanges.apply(hashedToken, TIMES, [changedEntry(user)]), 'invalid', 'used up');
    t.equal((await eventTypesOf(stores)).length, 2, 'the entry of the request, and that of the change');
  });

  await t.test(
    'a link is good for its own purpose only, and an attempt to use it for another purpose leaves it valid',
    async (t) => {
      const stores = await withUser(t, fresh);
      const { emailChanges, emailLinks, users, user, addressOf } = stores;
      const { change, undo } = requestOf(user, 'a@example.org');
      await emailChanges.request({ change, undo }, null, []);
      t.equal(await emailChanges.apply(undo.hashedToken, TIMES, []), 'invalid');
      t.equal(await emailChanges.undo(change.hashedToken, { from: user.email, at: AT }, []), null);
      for (const { hashedToken } of [change, undo])
        t.equal(await emailLinks.verify(hashedToken, AT, []), false);
      t.same(await users.find(user.id), user);
      t.equal(await emailChanges.apply(change.hashedToken, TIMES, []), 'changed');
      t.ok(await emailChanges.undo(undo.hashedToken, { from: 'a@example.org', at: AT }, []));
      t.equal(await addressOf(), user.email);
    },
  );

  await t.test('a user name that equals the address changes with the address', async (t) => {
    const { users, user, change } = await withUser(t, fresh, {
      username: 'Ann@example.com',
      email: 'ann@example.com',
    });
    await change('ann@example.org');
    t.match(await users.find(user.id), { username: 'ann@example.org', email: 'ann@example.org' });
    t.equal(await users.findByIdentifier('ann@example.com'), null);
  });

  await t.test('an expired link, and one that a later request replaced, change nothing', async (t) => {
    const { emailChanges, users, user } = await withUser(t, fresh);
    const [first, second] = [requestOf(user, 'a@example.org'), requestOf(user, 'b@example.org', AT)];
    for (const requested of [first, second]) await emailChanges.request(requested, null, []);
    for (const { change } of [first, second])
      t.equal(await emailChanges.apply(change.hashedToken, TIMES, []), 'invalid');
    t.same(await users.find(user.id), user);
  });

  await t.test('a new password or the deletion of the account cancels a request', async (t) => {
    const { emailChanges, users, user } = await withUser(t, fresh);
    const requested = requestOf(user, 'a@example.org');
    await emailChanges.request(requested, null, []);
    await users.changePassword(user.id, null, { passwordHash: 'b', except: null, at: NOW }, []);
    t.equal(await emailChanges.apply(requested.change.hashedToken, TIMES, []), 'invalid');
    t.ok(await emailChanges.find(requested.undo.hashedToken, 'undo', NOW), 'the undo link stays');
    await users.remove(user.id, null, { at: NOW, reason: 'account_deleted' }, []);
    t.equal(await emailChanges.find(requested.undo.hashedToken, 'undo', NOW), null);
  });

  await t.test('the address of another account is refused, and the link stays valid', async (t) => {
    const stores = await withUser(t, fresh);
    const { emailChanges, users, user } = stores;
    const other = someUser();
    const requested = requestOf(user, other.email.toUpperCase());
    t.equal(await emailChanges.isTaken(other.email, user.id, NOW), false);
    await emailChanges.request(requested, null, []);
    await users.create(other, []);
    t.equal(await emailChanges.isTaken(other.email, user.id, NOW), true);
    t.equal(await emailChanges.isTaken(other.email, other.id, NOW), false);
    const { hashedToken } = requested.change;
    t.equal(await emailChanges.apply(hashedToken, TIMES, [changedEntry(user)]), 'taken');
    t.same(await users.find(user.id), user);
    t.same(await eventTypesOf(stores), []);
    t.ok(await emailChanges.find(hashedToken, 'change', AT));
  });

  await t.test('the former address stays reserved for its account', async (t) => {
    const { emailChanges, users, user, change, addressOf } = await withUser(t, fresh);
    await change('a@example.org');
    const stranger = (createdAt: number) => someUser({ email: user.email.toUpperCase(), createdAt });
    t.equal(await users.create(stranger(RESERVED_UNTIL - 1), []), false);
    t.equal(await emailChanges.isTaken(user.email, randomUUID(), RESERVED_UNTIL - 1), true);
    t.equal(await emailChanges.isTaken(user.email, user.id, NOW), false);
    await change(user.email);
    t.equal(await addressOf(), user.email, 'the account itself can change back to the address');
    await change('a@example.org');
    t.equal(await emailChanges.isTaken(user.email, randomUUID(), RESERVED_UNTIL), false);
    t.equal(await users.create(stranger(RESERVED_UNTIL), []), true);
    t.equal(await addressOf(), 'a@example.org');
  });

  await t.test('a former address that is not verified is free at once', async (t) => {
    const stores = await withUser(t, fresh, { username: 'ann@example.com', email: 'ann@example.com' });
    const { emailChanges, users, user } = stores;
    const unverified = { ...user, emailVerifiedAt: null };
    await users.change(user, unverified, { at: NOW }, []);
    const requested = { ...requestOf(user, 'a@example.org'), undo: null };
    t.equal(await emailChanges.request(requested, null, [changedEntry(user)]), true);
    t.same(await eventTypesOf(stores), ['users.email_changed']);
    t.equal(await emailChanges.apply(requested.change.hashedToken, TIMES, []), 'changed');
    t.match(await users.find(user.id), { username: 'a@example.org', emailVerifiedAt: AT });
    t.equal(await emailChanges.isTaken(user.email, randomUUID(), AT), false);
    t.equal(await users.create(someUser({ email: user.email, createdAt: AT }), []), true);
  });

  await t.test('reservations that ended before the given time are removed', async (t) => {
    const { emailChanges, user, change } = await withUser(t, fresh);
    await change('a@example.org');
    t.equal(await emailChanges.forgetReservations(RESERVED_UNTIL, 10), 0);
    t.equal(await emailChanges.forgetReservations(RESERVED_UNTIL + 1, 10), 1);
    t.equal(await emailChanges.isTaken(user.email, randomUUID(), NOW), false);
  });

  await t.test('password-reset links that were mailed to the former address are invalid', async (t) => {
    const { users, user, change } = await withUser(t, fresh);
    const reset = hash();
    await users.addReset({ hashedToken: reset, userId: user.id, expiresAt: NOW + DAY }, []);
    await change('a@example.org');
    t.equal(await users.findReset(reset, NOW), null);
  });
}

async function undoing(t: Test, fresh: Fresh): Promise<void> {
  await t.test(
    'the undo link restores the address, ends all sessions and cancels later changes',
    async (t) => {
      const stores = await withUser(t, fresh);
      const { emailChanges, families, users, user, change } = stores;
      const family = someFamily({ userId: user.id });
      await families.open(family, []);
      const first = await change('thief@example.org', NOW + DAY);
      const second = await change('thief2@example.org', NOW + DAY + 1_000);
      const present = await users.find(user.id);
      const third = requestOf(present ?? user, 'thief3@example.org', NOW + DAY + 2_000);
      await emailChanges.request(third, null, []);

      const { hashedToken } = first.undo;
      const undo = (from: string) => emailChanges.undo(hashedToken, { from, at: AT }, [changedEntry(user)]);
      t.equal(await undo('thief@example.org'), null, 'the account has another address by now');
      t.same(await eventTypesOf(stores), []);
      t.same(await undo('thief2@example.org'), { sessions: [family.tokenFamily] });
      t.same(await users.find(user.id), { ...user, emailVerifiedAt: AT });
      t.same((await families.find(family.tokenFamily))?.revoked, { at: AT, reason: 'not_me' });
      t.same((await eventTypesOf(stores)).sort(), ['sessions.revoked', 'users.email_changed']);
      t.equal(await undo(user.email), null, 'once');
      for (const { undo: later } of [second, third])
        t.equal(await emailChanges.find(later.hashedToken, 'undo', AT), null);
      t.equal(await emailChanges.apply(third.change.hashedToken, TIMES, []), 'invalid');
      t.equal(await users.create(someUser({ email: user.email, createdAt: RESERVED_UNTIL }), []), false);
    },
  );

  await t.test('the undo link also works before the change', async (t) => {
    const { emailChanges, users, user } = await withUser(t, fresh);
    const requested = requestOf(user, 'thief@example.org');
    await emailChanges.request(requested, null, []);
    const change = { from: user.email, at: AT };
    t.same(await emailChanges.undo(requested.undo.hashedToken, change, []), { sessions: [] });
    t.same(await users.find(user.id), { ...user, emailVerifiedAt: AT });
    t.equal(await emailChanges.apply(requested.change.hashedToken, TIMES, []), 'invalid');
  });

  await t.test('the undo link of an earlier change outlives the undo of a later one', async (t) => {
    const { emailChanges, user, change, addressOf } = await withUser(t, fresh);
    const first = await change('second@example.org', NOW + DAY);
    const second = await change('third@example.org', NOW + DAY + 1_000);
    const undo = (hashedToken: string, from: string) => emailChanges.undo(hashedToken, { from, at: AT }, []);
    t.ok(await undo(second.undo.hashedToken, 'third@example.org'));
    t.equal(await addressOf(), 'second@example.org');
    t.ok(await undo(first.undo.hashedToken, 'second@example.org'));
    t.equal(await addressOf(), user.email);
  });

  await t.test('an address that an undo link still restores stays reserved', async (t) => {
    const { emailChanges, users, user, change, addressOf } = await withUser(t, fresh);
    const first = await change('a@example.org');
    const second = await change(user.email, NOW + DAY + 1_000);
    const undo = (hashedToken: string, from: string) => emailChanges.undo(hashedToken, { from, at: AT }, []);
    t.ok(await undo(second.undo.hashedToken, user.email));
    t.equal(await addressOf(), 'a@example.org');
    t.equal(await users.create(someUser({ email: user.email, createdAt: AT }), []), false);
    t.ok(await undo(first.undo.hashedToken, 'a@example.org'));
    t.equal(await addressOf(), user.email);
  });

  await t.test('an address that another account got after its reservation is not restored', async (t) => {
    const stores = await withUser(t, fresh);
    const { emailChanges, families, users, user, addressOf } = stores;
    const family = someFamily({ userId: user.id });
    await families.open(family, []);
    const { change, undo } = requestOf(user, 'a@example.org', NOW + 7 * DAY);
    await emailChanges.request({ change, undo }, null, []);
    await emailChanges.apply(change.hashedToken, TIMES, []);
    const other = someUser({ email: user.email.toUpperCase(), createdAt: RESERVED_UNTIL });
    t.equal(await users.create(other, []), true);

    const restore = () =>
      emailChanges.undo(undo.hashedToken, { from: 'a@example.org', at: RESERVED_UNTIL }, [
        changedEntry(user),
      ]);
    t.equal(await restore(), 'taken');
    t.equal(await addressOf(), 'a@example.org');
    t.match(await users.findByIdentifier(user.email), { id: other.id });
    t.equal((await families.find(family.tokenFamily))?.revoked, null, 'the sessions live on');
    t.same(await eventTypesOf(stores), []);
    await users.remove(other.id, null, { at: RESERVED_UNTIL, reason: 'account_deleted' }, []);
    t.same(await restore(), { sessions: [family.tokenFamily] }, 'the link was not used up');
    t.equal(await addressOf(), user.email);
  });

  await t.test('an expired undo link changes nothing', async (t) => {
    const { emailChanges, change, addressOf } = await withUser(t, fresh);
    const { undo } = await change('a@example.org');
    const at = undo.expiresAt;
    t.equal(await emailChanges.undo(undo.hashedToken, { from: 'a@example.org', at }, []), null);
    t.equal(await addressOf(), 'a@example.org');
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  await t.test('of many concurrent uses of one link one succeeds', async (t) => {
    const stores = await withUser(t, fresh);
    const { emailChanges, user } = stores;
    const { change, undo } = requestOf(user, 'a@example.org');
    await emailChanges.request({ change, undo }, null, []);
    const uses = Array.from({ length: 10 }, () =>
      emailChanges.apply(change.hashedToken, TIMES, [changedEntry(user)]),
    );
    t.same((await Promise.all(uses)).sort(), ['changed', ...Array(9).fill('invalid')]);
    const undoes = Array.from({ length: 10 }, () =>
      emailChanges.undo(undo.hashedToken, { from: 'a@example.org', at: AT }, []),
    );
    t.equal((await Promise.all(undoes)).filter((ended) => ended !== null).length, 1);
    t.same(await eventTypesOf(stores), ['users.email_changed']);
  });

  await t.test('two accounts never get one address', async (t) => {
    const { emailChanges, users } = await fresh(t);
    for (let round = 0; round < 10; round += 1) {
      const email = `shared${round}@example.org`;
      const owners = [someUser(), someUser()];
      const requests = owners.map((user) => requestOf(user, email));
      for (const [index, user] of owners.entries()) {
        await users.create(user, []);
        const requested = requests[index];
        if (requested) await emailChanges.request(requested, null, []);
      }
      const newcomer = someUser({ email });
      const results = await Promise.all([
        ...requests.map(({ change }) => emailChanges.apply(change.hashedToken, TIMES, [])),
        users.create(newcomer, []),
      ]);
      t.equal(results.filter((result) => result === 'changed' || result === true).length, 1);
      t.ok(await users.findByIdentifier(identifierOf(email)));
    }
  });

  await t.test(
    'after concurrent uses of the change and of its undo the account has its former address',
    async (t) => {
      const { emailChanges, users } = await fresh(t);
      for (let round = 0; round < 10; round += 1) {
        const user = someUser();
        await users.create(user, []);
        const { change, undo } = requestOf(user, `new${round}@example.org`);
        await emailChanges.request({ change, undo }, null, []);
        const [, first] = await Promise.all([
          emailChanges.apply(change.hashedToken, TIMES, []),
          emailChanges.undo(undo.hashedToken, { from: user.email, at: AT }, []),
        ]);
        if (first === null)
          t.ok(await emailChanges.undo(undo.hashedToken, { from: change.email, at: AT }, []));
        t.equal((await users.find(user.id))?.email, user.email);
        t.equal(await emailChanges.apply(change.hashedToken, TIMES, []), 'invalid');
      }
    },
  );
}
