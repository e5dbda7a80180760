import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { User } from '../../src/domain/user.ts';
import type { EmailLink } from '../../src/ports/stores/email-links.ts';
import type { OutboxEntry } from '../../src/ports/stores/outbox.ts';
import { hash, NOW } from '../support/families.ts';
import { someUser, type UserStores } from './users.ts';

type Fresh = (t: Test) => Promise<UserStores>;

const LATER = NOW + 86_400_000;
const AT = NOW + 1_000;

function linkOf({ id, email }: User, values: Partial<EmailLink> = {}): EmailLink {
  return { hashedToken: hash(), userId: id, purpose: 'verify', email, expiresAt: LATER, ...values };
}

const verifiedEntry = ({ id: userId }: User): OutboxEntry => ({
  id: randomUUID(),
  kind: 'event',
  event: {
    type: 'users.email_verified',
    occurredAt: NOW,
    data: { userId, address: '203.0.113.1', userAgent: 'x' },
  },
});

const eventTypesOf = async ({ outbox }: UserStores) =>
  (await outbox.claim('event', LATER, LATER, 100)).map(({ event }) => event.type);

async function withUser(t: Test, fresh: Fresh) {
  const stores = await fresh(t);
  const user = someUser();
  await stores.users.create(user, []);
  return { ...stores, user };
}

/** The contract of {@link EmailLinks}, and of the methods of {@link Users} that concern links. */
export function emailLinksContract(t: Test, fresh: Fresh): void {
  t.test('behavior', (t) => behavior(t, fresh));
  t.test('concurrency', (t) => concurrency(t, fresh));
  t.end();
}

async function behavior(t: Test, fresh: Fresh): Promise<void> {
  await t.test('a link verifies the address once', async (t) => {
    const stores = await withUser(t, fresh);
    const { emailLinks, users, user } = stores;
    const link = linkOf(user);
    t.equal(await emailLinks.add(link, [verifiedEntry(user)]), true);
    t.same(await eventTypesOf(stores), ['users.email_verified'], 'the entry came with the link');
    t.same(await emailLinks.findVerification(link.hashedToken, NOW), user);
    t.equal((await users.find(user.id))?.emailVerifiedAt, null, 'reading the link changes nothing');
    t.equal(await emailLinks.verify(link.hashedToken, AT, [verifiedEntry(user)]), true);
    t.equal((await users.find(user.id))?.emailVerifiedAt, AT);
    t.equal((await users.findByIdentifier(user.email))?.emailVerifiedAt, AT);
    t.equal((await users.list(1))[0]?.emailVerifiedAt, AT);
    t.equal(await emailLinks.findVerification(link.hashedToken, NOW), null);
    t.equal(await emailLinks.verify(link.hashedToken, LATER - 1, [verifiedEntry(user)]), false, 'used up');
    t.equal((await users.find(user.id))?.emailVerifiedAt, AT);
  });

  await t.test('the use of a link uses up the other links of the account', async (t) => {
    const { emailLinks, user } = await withUser(t, fresh);
    const [first, second] = [linkOf(user), linkOf(user)];
    for (const link of [first, second]) await emailLinks.add(link, []);
    t.equal(await emailLinks.verify(first.hashedToken, AT, []), true);
    t.equal(await emailLinks.verify(second.hashedToken, AT, []), false);
  });

  await t.test('an unknown or expired link, and a link for another address, change nothing', async (t) => {
    const stores = await withUser(t, fresh);
    const { emailLinks, users, user } = stores;
    const expired = linkOf(user, { expiresAt: AT });
    const foreign = linkOf(user, { email: 'other@example.com' });
    for (const link of [expired, foreign]) await emailLinks.add(link, []);
    for (const hashedToken of [expired.hashedToken, foreign.hashedToken, hash()]) {
      t.equal(await emailLinks.findVerification(hashedToken, AT), null);
      t.equal(await emailLinks.verify(hashedToken, AT, [verifiedEntry(user)]), false);
    }
    t.equal((await users.find(user.id))?.emailVerifiedAt, null);
    t.same(await eventTypesOf(stores), []);
  });

  await t.test('an account and its link are stored together or not at all', async (t) => {
    const { emailLinks, users } = await fresh(t);
    const user = someUser();
    const link = linkOf(user);
    await users.create(user, [], { verification: link });
    t.same(await emailLinks.findVerification(link.hashedToken, NOW), user);
    const twin = someUser({ username: user.username });
    const second = linkOf(twin);
    t.equal(await users.create(twin, [], { verification: second }), false);
    t.equal(await emailLinks.findVerification(second.hashedToken, NOW), null);
  });

  await t.test(
    'the deletion of an account removes its link, and a missing account gets no link',
    async (t) => {
      const stores = await withUser(t, fresh);
      const { emailLinks, users, user } = stores;
      const link = linkOf(user);
      await emailLinks.add(link, []);
      await users.remove(user.id, null, { at: NOW, reason: 'account_deleted' }, []);
      t.equal(await emailLinks.findVerification(link.hashedToken, NOW), null);
      t.equal(await emailLinks.add(linkOf(user), [verifiedEntry(user)]), false);
      t.same(await eventTypesOf(stores), []);
    },
  );

  await t.test('a reset verifies the address, and uses up the links to that address', async (t) => {
    const { emailLinks, users, user } = await withUser(t, fresh);
    const link = linkOf(user);
    await emailLinks.add(link, []);
    const reset = async (at: number) => {
      const hashedToken = hash();
      await users.addReset({ hashedToken, userId: user.id, expiresAt: LATER }, []);
      return users.useReset(hashedToken, { passwordHash: `at ${at}`, except: null, at }, []);
    };
    t.same(await reset(AT), { sessions: [] });
    t.equal((await users.find(user.id))?.emailVerifiedAt, AT);
    t.equal(await emailLinks.verify(link.hashedToken, AT, []), false);
    await reset(AT + 1_000);
    t.equal((await users.find(user.id))?.emailVerifiedAt, AT, 'the time of the first verification is kept');
  });

  await t.test('links that expired before the given time are removed', async (t) => {
    const { emailLinks, user } = await withUser(t, fresh);
    const good = linkOf(user, { expiresAt: NOW + 1 });
    for (const link of [linkOf(user, { expiresAt: NOW }), good]) await emailLinks.add(link, []);
    t.equal(await emailLinks.forget(NOW, 10), 0);
    t.equal(await emailLinks.forget(NOW + 1, 10), 1);
    t.same(await emailLinks.findVerification(good.hashedToken, NOW), user);
  });
}

async function concurrency(t: Test, fresh: Fresh): Promise<void> {
  await t.test('of many concurrent uses of one link one succeeds', async (t) => {
    const stores = await withUser(t, fresh);
    const { emailLinks, user } = stores;
    const link = linkOf(user);
    await emailLinks.add(link, []);
    const uses = Array.from({ length: 20 }, () =>
      emailLinks.verify(link.hashedToken, AT, [verifiedEntry(user)]),
    );
    t.equal((await Promise.all(uses)).filter(Boolean).length, 1);
    t.same(await eventTypesOf(stores), ['users.email_verified']);
  });

  await t.test(
    'concurrent uses of a link, a reset and a password change of one account cause no error',
    async (t) => {
      const { emailLinks, users } = await fresh(t);
      for (let round = 0; round < 20; round += 1) {
        const user = someUser();
        const [link, reset] = [linkOf(user), hash()];
        await users.create(user, [], { verification: link });
        await users.addReset({ hashedToken: reset, userId: user.id, expiresAt: LATER }, []);
        const change = { passwordHash: 'newer', except: null, at: AT };
        await Promise.all([
          emailLinks.verify(link.hashedToken, AT, []),
          users.useReset(reset, change, []),
          users.changePassword(user.id, null, { ...change, passwordHash: 'another' }, []),
        ]);
        t.notSame((await users.find(user.id))?.passwordHash, user.passwordHash);
      }
    },
  );
}
