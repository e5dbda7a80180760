import type { Test } from 'tap';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import { entry, NOW, rotationOf, someFamily } from '../support/families.ts';
import type { Stores } from './token-families.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

type Fresh = (t: Test) => Promise<Stores>;

/** The contract of {@link TokenFamilies} for the purge of families. */
export async function purgeContract(t: Test, fresh: Fresh): Promise<void> {
  await t.test('families that ended before the given time are purged, the earliest end first', async (t) => {
    const { families } = await fresh(t);
    const [first, second, third] = await openFamilies(families, [NOW + 1, NOW + 2, NOW + 3]);
    t.equal(await families.purge(NOW + 1, 10), 0);
    t.equal(await families.purge(NOW + 3, 1), 1);
    t.same(await findRemaining(families, [first, second, third]), [second, third]);
    t.equal(await families.purge(NOW + 3, 10), 1);
    t.same(await findRemaining(families, [first, second, third]), [third]);
    t.equal(await families.purge(NOW + 3, 10), 0);
  });

  await t.test('a revoked family counts as ended at its revocation', async (t) => {
    const { families } = await fresh(t);
    const all = await openFamilies(families, [NOW + DAY, NOW + DAY, NOW]);
    const [early, late, afterItsEnd] = all;
    await families.revoke(early?.tokenFamily ?? '', { at: NOW, reason: 'reuse' }, []);
    await families.revoke(late?.tokenFamily ?? '', { at: NOW + 2, reason: 'logout' }, []);
    await families.revoke(afterItsEnd?.tokenFamily ?? '', { at: NOW + 2, reason: 'logout' }, []);
    t.equal(await families.purge(NOW + 2, 10), 1);
    t.same(
      (await findRemaining(families, all)).map(({ tokenFamily }) => tokenFamily),
      [late?.tokenFamily, afterItsEnd?.tokenFamily],
    );
  });

  await t.test('a family whose refresh token has expired is kept until the family itself ends', async (t) => {
    const { families } = await fresh(t);
    const idle = someFamily({ refreshExpiresAt: NOW - DAY, expiresAt: NOW + DAY });
    await families.open(idle, []);
    t.equal(await families.purge(NOW, 10), 0);
    t.same(await families.list(idle.userId, { now: NOW, limit: 10, after: null }), [], 'and is not listed');
    t.same(await families.find(idle.tokenFamily), idle);
  });

  await t.test(
    'a family that is live by the clock of the store is not purged, whatever time is given',
    async (t) => {
      const { families } = await fresh(t);
      const live = someFamily({ expiresAt: Date.now() + DAY });
      await families.open(live, []);
      t.equal(await families.purge(Date.now() + 365 * DAY, 10), 0);
      t.same(await families.find(live.tokenFamily), live);
    },
  );

  await t.test('a purge removes notified subjects, but no outbox entries', async (t) => {
    const stores = await fresh(t);
    const family = someFamily({ expiresAt: NOW });
    const recordEvent = () =>
      stores.families.record(family.tokenFamily, [entry(family, { oncePerDay: '198.51.100.7' })]);
    await stores.families.open(family, []);
    await recordEvent();
    t.equal(await stores.families.purge(NOW + 1, 10), 1);
    await recordEvent();
    t.equal((await claimEvents(stores)).length, 1, 'no entry about a purged family is recorded');
    await stores.families.open(family, []);
    await recordEvent();
    t.equal((await claimEvents(stores)).length, 1, 'the notified subject was removed with the family');
  });

  await t.test('concurrent purges remove each family once', async (t) => {
    const { families } = await fresh(t);
    const ended = await openFamilies(families, Array<number>(90).fill(NOW));
    const live = await openFamilies(families, Array<number>(10).fill(NOW + DAY));
    let purged = 0;
    for (let round = 0; purged < ended.length && round < ended.length; round += 1) {
      const counts = await Promise.all(Array.from({ length: 6 }, () => families.purge(NOW + 1, 7)));
      t.ok(
        counts.some((count) => count !== null),
        'at least one purge did the work',
      );
      for (const count of counts) purged += count ?? 0;
    }
    t.equal(purged, ended.length);
    t.same(await findRemaining(families, [...ended, ...live]), live);
  });

  await t.test('live families rotate during a purge', async (t) => {
    const { families } = await fresh(t);
    await openFamilies(families, Array<number>(60).fill(NOW));
    const live = await openFamilies(families, Array<number>(20).fill(NOW + DAY));
    const [rotated] = await Promise.all([
      Promise.all(live.map((family) => families.rotate(rotationOf(family), []))),
      ...Array.from({ length: 6 }, () => families.purge(NOW + 1, 10)),
    ]);
    t.same(
      rotated.map((family) => family?.generation),
      live.map(() => 1),
    );
    t.same(await findRemaining(families, live), rotated);
  });

  await t.test('a change during the purge of its family either succeeds or finds no family', async (t) => {
    const stores = await fresh(t);
    const { families } = stores;
    for (let round = 0; round < 20; round += 1) {
      const [rotating, revoking, recording] = await openFamilies(families, [NOW, NOW, NOW]);
      if (!rotating || !revoking || !recording) throw new Error('three families must be opened');
      // The clocks of these changes are behind the clock of the purge.
      const [rotated, revoked] = await Promise.all([
        families.rotate(rotationOf(rotating, { rotatedAt: NOW - MINUTE }), []),
        families.revoke(revoking.tokenFamily, { at: NOW - MINUTE, reason: 'logout' }, []),
        families.record(recording.tokenFamily, [entry(recording, { oncePerDay: `198.51.100.${round}` })]),
        families.purge(NOW + 1, 10),
      ]);
      const found = await families.find(rotating.tokenFamily);
      if (found !== null) t.same(found, rotated ?? rotating);
      const ended = await families.find(revoking.tokenFamily);
      if (ended !== null) t.equal(ended.revoked !== null, revoked);
      await families.purge(NOW + 1, 10);
      t.same(
        await findRemaining(families, [rotating, revoking, recording]),
        [],
        'all three families are purged at last',
      );
    }
  });
}

async function openFamilies({ open }: Stores['families'], ends: readonly number[]): Promise<TokenFamily[]> {
  const families = ends.map((expiresAt) => someFamily({ expiresAt }));
  for (const family of families) await open(family, []);
  return families;
}

/** The current rows of the families that still exist. */
async function findRemaining({ find }: Stores['families'], families: readonly (TokenFamily | undefined)[]) {
  const found = await Promise.all(families.map((family) => find(family?.tokenFamily ?? '')));
  return found.filter((family) => family !== null);
}

function claimEvents({ outbox }: Stores) {
  return outbox.claim('event', NOW + DAY, NOW + 2 * DAY, 100);
}
