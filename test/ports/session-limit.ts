import type { Test } from 'tap';
import { SYSTEM } from '../../src/domain/audit.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import { NOW, rotationOf, someFamily } from '../support/families.ts';
import { someUser, type UserStores, withHash } from './users.ts';

/** The limit of sessions in the stores under test. */
export const SESSIONS_PER_USER = 50;

/** The contract of {@link TokenFamilies} for the number of sessions of one user. */
export async function sessionLimitContract(t: Test, fresh: (t: Test) => Promise<UserStores>): Promise<void> {
  const withFullUser = async (t: Test) => {
    const stores = await fresh(t);
    const user = someUser();
    await stores.users.create(user, []);
    const full = Array.from({ length: SESSIONS_PER_USER }, (_, n) =>
      someFamily({ userId: user.id, createdAt: NOW + n, rotatedAt: NOW + n }),
    );
    for (const family of full) await stores.families.open(family, []);
    return { ...stores, user, full };
  };
  const countLive = async ({ families, user }: Awaited<ReturnType<typeof withFullUser>>) =>
    (await families.list(user.id, { now: NOW + 100, limit: 1_000, after: null })).length;

  await t.test('a session beyond the limit ends the least recently refreshed session', async (t) => {
    const world = await withFullUser(t);
    const [oldest, second] = world.full as [TokenFamily, TokenFamily];
    await world.families.rotate(rotationOf(oldest), []);
    const stranger = someFamily();
    await world.families.open(stranger, []);
    const added = someFamily({ userId: world.user.id, createdAt: NOW + 5_000, rotatedAt: NOW + 5_000 });
    t.same(await world.families.open(added, []), {
      sessions: [second.tokenFamily],
      claims: {},
    });
    const revoked = { at: NOW + 5_000, reason: 'session_limit' };
    t.same((await world.families.find(second.tokenFamily))?.revoked, revoked);
    t.equal((await world.families.find(oldest.tokenFamily))?.revoked, null);
    t.equal((await world.families.find(stranger.tokenFamily))?.revoked, null);
    t.same(await world.families.find(added.tokenFamily), added);
    t.equal(await countLive(world), SESSIONS_PER_USER);
    const events = await world.outbox.claim('event', NOW + 10_000, NOW + 20_000, 10);
    t.same(
      events.map(({ event }) => [event.type, event.occurredAt, event.data]),
      [
        [
          'sessions.revoked',
          NOW + 5_000,
          { sessionId: second.tokenFamily, userId: world.user.id, reason: 'session_limit' },
        ],
      ],
    );
  });

  await t.test('an expired session is replaced before a live one', async (t) => {
    const stores = await fresh(t);
    const userId = someUser().id;
    const expired = someFamily({ userId, rotatedAt: NOW + 9_000, refreshExpiresAt: NOW + 10_000 });
    const live = Array.from({ length: SESSIONS_PER_USER - 1 }, () => someFamily({ userId }));
    for (const family of [expired, ...live]) await stores.families.open(family, []);
    const added = someFamily({ userId, createdAt: NOW + 20_000, rotatedAt: NOW + 20_000 });
    t.same(await stores.families.open(added, []), {
      sessions: [expired.tokenFamily],
      claims: {},
    });
  });

  await t.test(
    'a session that has already expired is not ended again, and no event is recorded',
    async (t) => {
      const stores = await fresh(t);
      const userId = someUser().id;
      const expired = Array.from({ length: SESSIONS_PER_USER }, () =>
        someFamily({ userId, expiresAt: NOW + 10_000 }),
      );
      for (const family of expired) await stores.families.open(family, []);
      const added = someFamily({ userId, createdAt: NOW + 10_000, rotatedAt: NOW + 10_000 });
      t.same(await stores.families.open(added, []), { sessions: [], claims: {} });
      t.same(await stores.outbox.claim('event', NOW + 10_000, NOW + 90_000, 100), []);
    },
  );

  await t.test('a login that opens no session ends no other session', async (t) => {
    const world = await withFullUser(t);
    t.equal(
      await world.families.open(someFamily({ userId: world.user.id }), [], withHash('another password')),
      null,
    );
    t.equal(await countLive(world), SESSIONS_PER_USER);
  });

  await t.test('concurrent logins never exceed the limit', async (t) => {
    const world = await withFullUser(t);
    const at = { createdAt: NOW + 90, rotatedAt: NOW + 90 };
    const added = Array.from({ length: 30 }, () => someFamily({ userId: world.user.id, ...at }));
    const answers = await Promise.all(
      added.map((family, n) =>
        world.families.open(family, [], n % 2 ? withHash(world.user.passwordHash) : undefined),
      ),
    );
    const ended = answers.flatMap((answer) => (answer !== 'disabled' && answer?.sessions) || []);
    t.equal(new Set(ended).size, 30, 'each login ends a different session');
    t.equal(ended.length, 30);
    t.equal(await countLive(world), SESSIONS_PER_USER);
  });

  await t.test(
    'concurrent logins at the limit, refreshes and revocations of all sessions never deadlock',
    async (t) => {
      const world = await withFullUser(t);
      const { families, users, user, full } = world;
      for (let round = 0; round < 10; round += 1) {
        const passwordHash = `hash ${round}`;
        const expected = round === 0 ? user.passwordHash : `hash ${round - 1}`;
        const add = () => someFamily({ userId: user.id, createdAt: NOW + 90, rotatedAt: NOW + 90 });
        const fill = Array.from({ length: SESSIONS_PER_USER }, add);
        for (const family of fill) await families.open(family, []);
        await Promise.all([
          ...[1, 2, 3, 4].map(() => families.open(add(), [], withHash(expected))),
          ...[1, 2, 3, 4].map(() => families.open(add(), [])),
          ...[...full, ...fill].slice(-20).map((family) => families.rotate(rotationOf(family), [])),
          families.revokeAll(user.id, { at: NOW + 95, reason: 'logout', except: null, origin: SYSTEM }),
          users.changePassword(user.id, null, { passwordHash, except: null, at: NOW + 95 }, []),
        ]);
        t.ok((await countLive(world)) <= 8, 'only logins of this round can be left');
      }
    },
  );
}
