import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { SYSTEM } from '../../src/domain/audit.ts';
import { FIRST_SECURITY_VERSION } from '../../src/domain/second-factor.ts';
import { identifierOf, type User } from '../../src/domain/user.ts';
import type { EmailChanges } from '../../src/ports/stores/email-changes.ts';
import type { EmailLinks } from '../../src/ports/stores/email-links.ts';
import type { OutboxEntry } from '../../src/ports/stores/outbox.ts';
import type { Users } from '../../src/ports/stores/users.ts';
import { hash, NOW, rotationOf, someFamily } from '../support/families.ts';
import type { Stores } from './token-families.ts';

export interface UserStores extends Stores {
  readonly users: Users;
  readonly emailLinks: EmailLinks;
  readonly emailChanges: EmailChanges;
}

const LATER = NOW + 86_400_000;

let count = 0;

/** The condition of a login with the password that has this hash. */
export const withHash = (passwordHash: string) => ({ passwordHash, refuseSecondFactor: false });

export function someUser(values: Partial<User> = {}): User {
  count += 1;
  const username = `ann${count}`;
  const email = `${username}@example.com`;
  return {
    id: randomUUID(),
    username,
    email,
    emailVerifiedAt: null,
    roles: [],
    passwordHash: `hash of ${username}`,
    createdAt: NOW,
    ...values,
  };
}

function entryAbout({ id: userId }: User, kind: OutboxEntry['kind'] = 'event'): OutboxEntry {
  return { id: randomUUID(), kind, event: { type: 'users.deleted', occurredAt: NOW, data: { userId } } };
}

const eventTypesOf = async ({ outbox }: Stores) =>
  (await outbox.claim('event', LATER, LATER, 100)).map(({ event }) => event.type).sort();

/** The contract of {@link Users}, and of the methods of {@link TokenFamilies} that depend on accounts. */
export function usersContract(t: Test, fresh: (t: Test) => Promise<UserStores>): void {
  t.test('behavior', (t) => behavior(t, fresh));
  t.test('sessions end with their passwords', (t) => endings(t, fresh));
  t.test('concurrency', (t) => concurrency(t, fresh));
  t.end();
}

async function behavior(t: Test, fresh: (t: Test) => Promise<UserStores>): Promise<void> {
  await t.test('a user is found by id, name and address', async (t) => {
    const stores = await fresh(t);
    const user = someUser({ username: 'Ärger', email: 'Anger@Example.com' });
    t.equal(await stores.users.create(user, [entryAbout(user)]), true);
    t.same(await stores.users.find(user.id), user);
    const found = { ...user, hasSecondFactor: false };
    t.same(await stores.users.findByIdentifier(identifierOf('ÄRGER')), found);
    t.same(await stores.users.findByIdentifier(identifierOf('A\u0308rger')), found, 'another Unicode form');
    t.same(await stores.users.findByIdentifier(identifierOf('anger@example.COM')), found);
    t.equal(await stores.users.findByIdentifier('nobody'), null);
    t.equal(await stores.users.find(randomUUID()), null);
    t.same(await eventTypesOf(stores), ['users.deleted'], 'the entry was recorded with the account');
  });

  await t.test('names and addresses share one namespace', async (t) => {
    const stores = await fresh(t);
    const user = someUser({ username: 'bob@example.com', email: 'bob@example.com' });
    t.equal(await stores.users.create(user, []), true, 'a name may be its own address');
    for (const values of [
      { username: 'BOB@example.com' },
      { email: 'Bob@Example.com' },
      { username: someUser().username, email: 'bob@EXAMPLE.com' },
    ]) {
      const other = someUser(values);
      t.equal(await stores.users.create(other, [entryAbout(other)]), false);
      t.equal(await stores.users.find(other.id), null, 'no row of the refused account was stored');
    }
    t.same(await eventTypesOf(stores), []);
  });

  await t.test('accounts are listed, newest first, up to a limit', async (t) => {
    const { users } = await fresh(t);
    const made = [3, 1, 2].map((age) => someUser({ createdAt: NOW - age * 1_000 }));
    for (const user of made) await users.create(user, []);
    const [oldest, newest, middle] = made.map(({ id, username, email, emailVerifiedAt }) => ({
      id,
      username,
      email,
      emailVerifiedAt,
    }));
    t.same(await users.list(10), [newest, middle, oldest], 'and the list has no secrets');
    t.same(await users.list(2), [newest, middle]);
  });

  await t.test('a hash is replaced only if it is the expected one', async (t) => {
    const { users } = await fresh(t);
    const user = someUser();
    await users.create(user, []);
    t.equal(await users.rehash(user.id, 'another', 'x'), false);
    t.equal((await users.find(user.id))?.passwordHash, user.passwordHash);
    t.equal(await users.rehash(user.id, user.passwordHash, 'newer'), true);
    t.equal((await users.find(user.id))?.passwordHash, 'newer');
  });

  await t.test(
    'a reset is valid once and until its expiry, and a new password deletes all resets',
    async (t) => {
      const stores = await fresh(t);
      const { users } = stores;
      const user = someUser();
      await users.create(user, []);
      const [first, second, old] = [hash(), hash(), hash()];
      for (const [hashedToken, expiresAt] of [
        [first, LATER],
        [second, LATER],
        [old, NOW],
      ] as const) {
        await users.addReset({ hashedToken, userId: user.id, expiresAt }, [entryAbout(user, 'mail')]);
      }
      const [mail] = await stores.outbox.claim('mail', LATER, LATER, 10);
      t.equal(mail?.contact, user.email, 'mails about an account go to its address');
      t.same(await users.findReset(first, NOW), user);
      t.equal(await users.findReset(old, NOW), null);
      const change = { passwordHash: 'newer', except: null, at: NOW };
      t.equal(await users.useReset(old, change, [entryAbout(user)]), null);
      t.same(await eventTypesOf(stores), [], 'a failed change records no event');
      t.same(await users.useReset(first, change, [entryAbout(user)]), { sessions: [] });
      t.equal((await users.find(user.id))?.passwordHash, 'newer');
      t.equal(await users.useReset(first, change, []), null, 'used up');
      t.equal(await users.useReset(second, change, []), null, 'and the other reset was deleted with it');
    },
  );

  await t.test('resets that expired before the given time are removed', async (t) => {
    const { users } = await fresh(t);
    const user = someUser();
    await users.create(user, []);
    const [old, good] = [hash(), hash()];
    await users.addReset({ hashedToken: old, userId: user.id, expiresAt: NOW }, []);
    await users.addReset({ hashedToken: good, userId: user.id, expiresAt: NOW + 1 }, []);
    t.equal(await users.forgetResets(NOW, 10), 0);
    t.equal(await users.forgetResets(NOW + 1, 10), 1);
    t.same(await users.findReset(good, NOW), user);
  });

  await t.test('the name of a deleted account is free again', async (t) => {
    const stores = await fresh(t);
    const user = someUser();
    await stores.users.create(user, []);
    await stores.users.addReset({ hashedToken: hash(), userId: user.id, expiresAt: LATER }, []);
    const revocation = { at: NOW, reason: 'account_deleted' } as const;
    t.equal(await stores.users.remove(randomUUID(), null, revocation, [entryAbout(user)]), null);
    t.same(await stores.users.remove(user.id, null, revocation, [entryAbout(user)]), {
      sessions: [],
    });
    t.equal(await stores.users.find(user.id), null);
    t.equal(await stores.users.create({ ...user, id: randomUUID() }, []), true);
    t.same(await eventTypesOf(stores), ['users.deleted']);
  });
}

async function endings(t: Test, fresh: (t: Test) => Promise<UserStores>): Promise<void> {
  const withSessions = async (t: Test) => {
    const stores = await fresh(t);
    const user = someUser();
    await stores.users.create(user, []);
    const opened = [1, 2, 3].map((n) => someFamily({ userId: user.id, createdAt: NOW + n }));
    const stranger = someFamily();
    for (const family of [...opened, stranger]) await stores.families.open(family, []);
    return { ...stores, user, ids: opened.map(({ tokenFamily }) => tokenFamily), stranger };
  };

  await t.test('a change of the password ends all other sessions', async (t) => {
    const world = await withSessions(t);
    const { users, user, ids, stranger } = world;
    const change = { passwordHash: 'newer', except: ids[1] ?? null, at: NOW };
    t.equal(await users.changePassword(randomUUID(), null, change, [entryAbout(user)]), null);
    t.same(await eventTypesOf(world), []);
    const ended = await users.changePassword(user.id, null, change, []);
    t.same([...(ended?.sessions ?? [])].sort(), [ids[0], ids[2]].sort());
    t.same((await world.families.find(ids[0] ?? ''))?.revoked, { at: NOW, reason: 'password_changed' });
    t.equal((await world.families.find(ids[1] ?? ''))?.revoked, null);
    t.equal((await world.families.find(stranger.tokenFamily))?.revoked, null);
    t.same(await eventTypesOf(world), ['sessions.revoked', 'sessions.revoked']);
  });

  await t.test('all sessions of a user can be revoked, or all except one', async (t) => {
    const { families, user, ids, stranger } = await withSessions(t);
    const revocation = { at: NOW, reason: 'logout' } as const;
    t.same(
      [
        ...(await families.revokeAll(user.id, { ...revocation, except: ids[0] ?? null, origin: SYSTEM })),
      ].sort(),
      ids.slice(1).sort(),
    );
    t.same(await families.revokeAll(user.id, { ...revocation, except: null, origin: SYSTEM }), [ids[0]]);
    t.same(await families.revokeAll(user.id, { ...revocation, except: null, origin: SYSTEM }), []);
    t.equal((await families.find(stranger.tokenFamily))?.revoked, null);
  });

  await t.test('live sessions are listed newest first, page by page', async (t) => {
    const { families, user, ids } = await withSessions(t);
    const twin = someFamily({ userId: user.id, createdAt: NOW + 3 });
    const gone = someFamily({ userId: user.id, createdAt: NOW + 9, expiresAt: NOW + 10 });
    const ended = someFamily({ userId: user.id, createdAt: NOW + 9 });
    for (const family of [twin, gone, ended]) await families.open(family, []);
    await families.revoke(ended.tokenFamily, { at: NOW, reason: 'logout' }, []);
    const list = async (limit: number, after: Parameters<typeof families.list>[1]['after'] = null) =>
      families.list(user.id, { now: NOW + 10, limit, after });
    const all = await list(10);
    t.same(
      all.map(({ createdAt }) => createdAt - NOW),
      [3, 3, 2, 1],
    );
    t.same(new Set(all.map(({ tokenFamily }) => tokenFamily)), new Set([...ids, twin.tokenFamily]));
    const first = await list(2);
    const rest = await list(10, first.at(-1) ?? null);
    t.same([...first, ...rest], all, 'no page repeats or leaves out');
  });

  await t.test('a session is opened only if the password hash is still the user’s', async (t) => {
    const stores = await fresh(t);
    const user = someUser();
    await stores.users.create(user, []);
    const family = someFamily({ userId: user.id, hashedPreviousTokenId: hash(), contact: null });
    t.equal(await stores.families.open(family, [], withHash('another')), null);
    t.equal(await stores.families.find(family.tokenFamily), null);
    t.same(await stores.families.open(family, [], withHash(user.passwordHash)), { sessions: [], claims: {} });
    t.same(await stores.families.find(family.tokenFamily), family, 'stored to the last member');
    const stranger = someFamily();
    t.equal(await stores.families.open(stranger, [], withHash(user.passwordHash)), null);
  });
}

async function concurrency(t: Test, fresh: (t: Test) => Promise<UserStores>): Promise<void> {
  await t.test('of many concurrent registrations of one name one succeeds', async (t) => {
    const { users } = await fresh(t);
    const attempts = Array.from({ length: 50 }, (_, n) =>
      users.create(someUser({ username: n % 2 ? 'eve' : 'EVE' }), []),
    );
    t.equal((await Promise.all(attempts)).filter(Boolean).length, 1);
  });

  await t.test('of many concurrent changes of one password one succeeds', async (t) => {
    const { users, families } = await fresh(t);
    const user = someUser();
    const { tokenFamily: sessionId } = someFamily();
    await users.create(user, []);
    await families.open(someFamily({ tokenFamily: sessionId, userId: user.id }), []);
    const condition = { securityVersion: FIRST_SECURITY_VERSION, sessionId, now: NOW };
    const attempts = Array.from({ length: 20 }, (_, n) => {
      const change = { passwordHash: `new ${n}`, except: sessionId, at: NOW };
      return users.changePassword(user.id, condition, change, []);
    });
    t.equal((await Promise.all(attempts)).filter((ended) => ended !== null).length, 1);
  });

  await t.test(
    'no session of an old password survives concurrent logins, refreshes and changes',
    async (t) => {
      const { users, families } = await fresh(t);
      for (let round = 0; round < 40; round += 1) {
        const user = someUser();
        await users.create(user, []);
        const [before, beside] = [someFamily({ userId: user.id }), someFamily({ userId: user.id })];
        await families.open(before, [], withHash(user.passwordHash));
        const remove = round % 2 === 0;
        const revocation = { at: NOW, reason: 'account_deleted' } as const;
        await Promise.all([
          families.open(beside, [], withHash(user.passwordHash)),
          families.rotate(rotationOf(before), []),
          remove
            ? users.remove(user.id, null, revocation, [])
            : users.changePassword(user.id, null, { passwordHash: 'newer', except: null, at: NOW }, []),
        ]);
        t.same(await families.list(user.id, { now: NOW, limit: 10, after: null }), []);
      }
    },
  );
}
