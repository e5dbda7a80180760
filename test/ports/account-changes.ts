import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { SYSTEM } from '../../src/domain/audit.ts';
import type { User } from '../../src/domain/user.ts';
import type { ChangeEntry } from '../../src/ports/stores/change-entry.ts';
import { hash, NOW } from '../support/families.ts';
import { someUser, type UserStores } from './users.ts';

const AT = NOW + 1_000;
const LATER = NOW + 86_400_000;

type Fresh = (t: Test) => Promise<UserStores>;

/** The contract of {@link Users.change}, and of the links that {@link Users.create} stores. */
export function accountChangesContract(t: Test, fresh: Fresh): void {
  t.test('behavior', (t) => behavior(t, fresh));
  t.test('former addresses', (t) => formerAddresses(t, fresh));
  t.test('concurrency', (t) => concurrency(t, fresh));
  t.end();
}

function entriesAbout({ id: userId }: User): ChangeEntry[] {
  const data = { userId, byOperator: true } as const;
  const event = { type: 'users.username_changed', occurredAt: AT, data } as const;
  return [
    { id: randomUUID(), kind: 'event', event },
    {
      id: randomUUID(),
      kind: 'audit',
      type: event.type,
      occurredAt: AT,
      userId,
      sessionId: null,
      origin: SYSTEM,
      data: {},
    },
  ];
}

const countEvents = async ({ outbox }: UserStores) => (await outbox.claim('event', LATER, LATER, 100)).length;

const linkOf = ({ id: userId, email }: User, purpose: 'verify' | 'undo' = 'verify') => ({
  hashedToken: hash(),
  userId,
  purpose,
  email,
  expiresAt: LATER,
});

const resetOf = ({ id: userId }: User) => ({ hashedToken: hash(), userId, expiresAt: LATER });

async function behavior(t: Test, fresh: Fresh): Promise<void> {
  await t.test(
    'a change replaces the name, the address and its verification, and records its entries',
    async (t) => {
      const stores = await fresh(t);
      const { users, emailLinks } = stores;
      const user = someUser();
      await users.create(user, []);
      const next = { ...user, username: 'Anna', email: 'Anna@example.org', emailVerifiedAt: AT };
      const verification = linkOf(next);
      t.equal(await users.change(user, next, { at: AT, verification }, entriesAbout(user)), 'changed');
      t.same(await users.find(user.id), next);
      for (const identifier of ['anna', 'anna@example.org'])
        t.match(await users.findByIdentifier(identifier), { id: user.id });
      for (const identifier of [user.username, user.email])
        t.equal(await users.findByIdentifier(identifier), null, 'the former identifiers are free');
      t.equal(await countEvents(stores), 1);
      t.match(await emailLinks.findVerification(verification.hashedToken, AT), { id: user.id });
      const unverified = { ...next, username: 'anna@example.org', emailVerifiedAt: null };
      t.equal(await users.change(next, unverified, { at: AT }, []), 'changed', 'a name may be the address');
      t.equal(await users.findByIdentifier('anna'), null);
      t.match(await users.findByIdentifier('anna@example.org'), { username: 'anna@example.org' });
    },
  );

  await t.test(
    'a change of an outdated or missing account, or to a taken name or address, changes nothing',
    async (t) => {
      const stores = await fresh(t);
      const { users } = stores;
      const [user, other] = [someUser(), someUser()];
      await users.create(user, []);
      await users.create(other, []);
      const next = { ...user, username: 'anna' };
      for (const expected of [
        { ...user, username: 'another' },
        { ...user, email: 'another@example.com' },
        { ...user, emailVerifiedAt: AT },
        someUser(),
      ])
        t.equal(await users.change(expected, next, { at: AT }, entriesAbout(user)), 'outdated');
      for (const taken of [
        { ...user, username: other.username.toUpperCase() },
        { ...user, email: other.email },
      ])
        t.equal(
          await users.change(user, taken, { at: AT, verification: linkOf(user) }, entriesAbout(user)),
          'taken',
        );
      t.same(await users.find(user.id), user);
      t.match(await users.findByIdentifier(user.email), { id: user.id });
      t.equal(await countEvents(stores), 0);
    },
  );

  await t.test('a new account can be stored with a link that sets its first password', async (t) => {
    const { users } = await fresh(t);
    const user = someUser();
    const reset = resetOf(user);
    t.equal(await users.create(user, [], { reset }), true);
    t.same(await users.findReset(reset.hashedToken, AT), user);
    const twin = someUser({ username: user.username });
    const second = resetOf(twin);
    t.equal(await users.create(twin, [], { reset: second }), false);
    t.equal(await users.findReset(second.hashedToken, AT), null, 'a refused account has no reset');
  });
}

async function formerAddresses(t: Test, fresh: Fresh): Promise<void> {
  await t.test('another address removes all links, and another name removes none', async (t) => {
    const { users, emailLinks, emailChanges } = await fresh(t);
    const user = someUser();
    const [verification, reset] = [linkOf(user), resetOf(user)];
    await users.create(user, [], { verification, reset });
    const change = { ...linkOf(user), purpose: 'change', email: 'new@example.org' } as const;
    const undo = linkOf(user, 'undo');
    await emailChanges.request({ change, undo }, null, []);
    const renamed = { ...user, username: 'anna' };
    await users.change(user, renamed, { at: AT }, []);
    t.ok(await emailLinks.findVerification(verification.hashedToken, AT));
    t.ok(await users.findReset(reset.hashedToken, AT));
    t.ok(await emailChanges.find(undo.hashedToken, 'undo', AT));
    await users.change(renamed, { ...renamed, email: 'other@example.org' }, { at: AT }, []);
    t.equal(await emailLinks.findVerification(verification.hashedToken, AT), null);
    t.equal(await users.findReset(reset.hashedToken, AT), null);
    t.equal(await emailChanges.find(change.hashedToken, 'change', AT), null);
    t.equal(await emailChanges.find(undo.hashedToken, 'undo', AT), null);
  });

  await t.test('an address is free once another account no longer keeps it reserved', async (t) => {
    const { users, emailChanges } = await fresh(t);
    const [user, other] = [someUser({ emailVerifiedAt: AT }), someUser()];
    await users.create(user, []);
    await users.create(other, []);
    const change = { ...linkOf(user), purpose: 'change', email: 'new@example.org' } as const;
    await emailChanges.request({ change, undo: linkOf(user, 'undo') }, null, []);
    await emailChanges.apply(change.hashedToken, { at: AT, reservedUntil: LATER }, []);
    const wanted = { ...other, email: user.email };
    t.equal(await users.change(other, wanted, { at: LATER - 1 }, []), 'taken');
    t.equal(await users.change(other, wanted, { at: LATER }, []), 'changed');
  });

  await t.test('the owner of a reserved address frees it by another change', async (t) => {
    const { users, emailChanges } = await fresh(t);
    const [user, other] = [someUser({ emailVerifiedAt: AT }), someUser()];
    await users.create(user, []);
    await users.create(other, []);
    const change = { ...linkOf(user), purpose: 'change', email: 'new@example.org' } as const;
    await emailChanges.request({ change, undo: linkOf(user, 'undo') }, null, []);
    await emailChanges.apply(change.hashedToken, { at: AT, reservedUntil: LATER }, []);
    const changed = { ...user, email: change.email, emailVerifiedAt: AT };
    t.equal(
      await users.change(changed, { ...changed, email: 'last@example.org' }, { at: AT }, []),
      'changed',
    );
    t.equal(await users.change(other, { ...other, email: user.email }, { at: AT }, []), 'changed');
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  await t.test('of concurrent changes of one account, or to one name, exactly one succeeds', async (t) => {
    const { users } = await fresh(t);
    const accounts = Array.from({ length: 10 }, () => someUser());
    for (const user of accounts) await users.create(user, []);
    const [user = someUser()] = accounts;
    const ofOne = accounts.map((_, n) =>
      users.change(user, { ...user, username: `anna${n}x` }, { at: AT }, []),
    );
    t.same((await Promise.all(ofOne)).sort(), ['changed', ...Array(9).fill('outdated')]);
    const named = accounts
      .slice(1)
      .map((each) => users.change(each, { ...each, username: 'eve' }, { at: AT }, []));
    const created = users.create(someUser({ username: 'EVE' }), []);
    const results = [...(await Promise.all(named)), (await created) ? 'changed' : 'taken'];
    t.same(results.sort(), ['changed', ...Array(9).fill('taken')]);
  });
}
