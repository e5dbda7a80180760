import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { SYSTEM } from '../../src/domain/audit.ts';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import type { Outbox } from '../../src/ports/stores/outbox.ts';
import type { FamilyFilter, FamilyPosition, TokenFamilies } from '../../src/ports/stores/token-families.ts';
import { entry, hash, NOW, rotationOf, someFamily } from '../support/families.ts';
import { purgeContract } from './purging.ts';

export interface Stores {
  readonly families: TokenFamilies;
  readonly outbox: Outbox;
}

const DAY = 86_400_000;
const LATER = NOW + 10 * DAY;

/** The contract of {@link TokenFamilies}, for every adapter of the port. `fresh` gives an empty store. */
export function tokenFamiliesContract(t: Test, fresh: (t: Test) => Promise<Stores>): void {
  t.test('behavior', (t) => behavior(t, fresh));
  t.test('atomicity', (t) => atomicity(t, fresh));
  t.test('concurrency', (t) => concurrency(t, fresh));
  t.test('purge', (t) => purgeContract(t, fresh));
}

async function claimEvents({ outbox }: Stores) {
  return outbox.claim('event', LATER, LATER + DAY, 1000);
}

async function behavior(t: Test, fresh: (t: Test) => Promise<Stores>): Promise<void> {
  await t.test('an opened family is found with all its fields', async (t) => {
    const { families } = await fresh(t);
    const family = someFamily({
      contact: null,
      retryKeyHash: hash(),
      hashedPreviousTokenId: hash(),
      productHash: hash(),
    });
    await families.open(family, []);
    t.same(await families.find(family.tokenFamily), family);
  });

  await t.test('a family of an unknown authentication method is found and rotated as it is', async (t) => {
    const { families } = await fresh(t);
    const family = someFamily({ authentication: { authTime: NOW - 5, amr: [], acr: null, generation: 0 } });
    await families.open(family, []);
    t.same(await families.find(family.tokenFamily), family);
    const rotation = rotationOf(family);
    t.same(await families.rotate(rotation, []), { ...family, ...rotation.next });
  });

  await t.test('a bound family keeps its key, and rotates only where that key is expected', async (t) => {
    const { families } = await fresh(t);
    const family = someFamily({ jkt: hash() });
    await families.open(family, []);
    t.same(await families.find(family.tokenFamily), family);
    const rotation = rotationOf(family);
    for (const jkt of [null, hash()])
      t.equal(await families.rotate({ ...rotation, expected: { ...family, jkt } }, []), null);
    t.same(await families.rotate(rotation, []), { ...family, ...rotation.next });
  });

  await t.test('a family that is not remembered stays so after a rotation', async (t) => {
    const { families } = await fresh(t);
    const family = someFamily({ remembered: false });
    await families.open(family, []);
    const rotation = rotationOf(family);
    t.same(await families.rotate(rotation, []), { ...family, ...rotation.next });
    t.same(await families.find(family.tokenFamily), { ...family, ...rotation.next });
  });

  await t.test('an unknown family is not found', async (t) => {
    const { families } = await fresh(t);
    t.equal(await families.find(someFamily().tokenFamily), null);
  });

  await t.test('a family id can be opened once', async (t) => {
    const stores = await fresh(t);
    const family = someFamily();
    await stores.families.open(family, []);
    await t.rejects(
      stores.families.open({ ...family, ...someFamily(), tokenFamily: family.tokenFamily }, []),
    );
    t.same(await stores.families.find(family.tokenFamily), family);
  });

  await t.test('a rotation replaces the current pair and returns the row', async (t) => {
    const { families } = await fresh(t);
    const family = someFamily();
    await families.open(family, []);
    const rotation = rotationOf(family, { retryKeyHash: hash(), productHash: hash() });
    const rotated = { ...family, ...rotation.next };
    t.same(await families.rotate(rotation, []), rotated);
    t.same(await families.find(family.tokenFamily), rotated);
  });

  const otherExpectations: Record<string, Partial<ReturnType<typeof someFamily>>> = {
    'another user': { userId: someFamily().userId },
    'the other pairing': { paired: false },
    'a confidential family': { confidential: true },
    'a bound family': { jkt: hash() },
    'another family': { tokenFamily: someFamily().tokenFamily },
    'an earlier generation': { generation: 6 },
    'a later generation': { generation: 8 },
    'another hash': { hashedRefreshTokenId: hash() },
    'another scheme': { scheme: 'hmac-sha512.key2' },
    'another policy on addresses': { onAddressChange: 'block' },
    'another policy on agents': { onUserAgentChange: 'ignore' },
    'another agent under the policy block': { userAgent: 'other/1' },
    'another product hash with the same stored agent': { productHash: 'cHJvZHVjdCBiLi4uLi4u' },
    'an unknown product although the row has a product': { productHash: null },
  };
  for (const [name, values] of Object.entries(otherExpectations)) {
    await t.test(`a rotation that expects ${name} changes nothing`, async (t) => {
      const stores = await fresh(t);
      const family = someFamily({
        generation: 7,
        onUserAgentChange: 'block',
        productHash: 'cHJvZHVjdCBhLi4uLi4u',
      });
      await stores.families.open(family, []);
      const rotation = { ...rotationOf(family), expected: { ...family, ...values } };
      t.equal(await stores.families.rotate(rotation, [entry(family)]), null);
      t.same(await stores.families.find(family.tokenFamily), family);
      t.same(await claimEvents(stores), []);
    });
  }

  await t.test('another user agent does not prevent a rotation if the policy ignores it', async (t) => {
    const { families } = await fresh(t);
    const family = someFamily({ onUserAgentChange: 'ignore' });
    await families.open(family, []);
    const rotation = { ...rotationOf(family), expected: { ...family, userAgent: 'other/1' } };
    t.not(await families.rotate(rotation, []), null);
  });

  await t.test('a row without the hash of its product rotates and gets one', async (t) => {
    const { families } = await fresh(t);
    const family = someFamily({ onUserAgentChange: 'block', productHash: null });
    await families.open(family, []);
    const productHash = hash();
    t.match(await families.rotate(rotationOf(family, { productHash }), []), { productHash });
    t.match(await families.find(family.tokenFamily), { productHash });
  });

  await t.test('a revoked or expired family cannot be rotated', async (t) => {
    const { families } = await fresh(t);
    const ended = someFamily();
    await families.open(ended, []);
    await families.revoke(ended.tokenFamily, { at: NOW, reason: 'logout' }, []);
    t.equal(await families.rotate(rotationOf(ended), []), null);

    const expired = someFamily({ expiresAt: NOW + 1000 });
    await families.open(expired, []);
    t.equal(await families.rotate(rotationOf(expired, { rotatedAt: NOW + 1000 }), []), null);
    t.not(await families.rotate(rotationOf(expired, { rotatedAt: NOW + 999 }), []), null);
  });

  await t.test('a rotation with the Idempotency-Key of the previous one fails', async (t) => {
    const { families } = await fresh(t);
    const family = someFamily({ retryKeyHash: hash() });
    await families.open(family, []);
    t.equal(await families.rotate({ ...rotationOf(family), unlessRetryKey: family.retryKeyHash }, []), null);
    t.same(await families.find(family.tokenFamily), family);
    t.not(await families.rotate({ ...rotationOf(family), unlessRetryKey: hash() }, []), null);
  });

  await t.test('a revocation is permanent and recorded once', async (t) => {
    const stores = await fresh(t);
    const family = someFamily();
    await stores.families.open(family, []);
    const first = { at: NOW + 1, reason: 'reuse' } as const;
    t.equal(await stores.families.revoke(family.tokenFamily, first, [entry(family)]), true);
    const second = { at: NOW + 2, reason: 'logout' } as const;
    t.equal(await stores.families.revoke(family.tokenFamily, second, [entry(family)]), false);
    t.same(await stores.families.find(family.tokenFamily), { ...family, revoked: first });
    t.equal((await claimEvents(stores)).length, 1);
    t.equal(await stores.families.revoke(someFamily().tokenFamily, first, []), false);
  });

  await t.test('a family never ends before its last rotation', async (t) => {
    const { families } = await fresh(t);
    const revocation = { at: NOW, reason: 'disabled' } as const;
    const ways = {
      revoke: ({ tokenFamily }: TokenFamily) => families.revoke(tokenFamily, revocation, []),
      revokeAll: ({ userId }: TokenFamily) =>
        families.revokeAll(userId, { ...revocation, except: null, origin: SYSTEM }),
    };
    for (const [way, end] of Object.entries(ways)) {
      const family = someFamily();
      await families.open(family, []);
      await families.rotate(rotationOf(family, { rotatedAt: NOW + 3 }), []);
      await end(family);
      const ended = await families.find(family.tokenFamily);
      t.same(ended?.revoked, { at: NOW + 3, reason: 'disabled' }, way);
    }
  });

  await t.test('the end of all families of a user is recorded for each live one', async (t) => {
    const stores = await fresh(t);
    const { userId } = someFamily();
    const live = someFamily({ userId, expiresAt: NOW + 2 });
    const unused = someFamily({ userId, expiresAt: NOW + 2, refreshExpiresAt: NOW + 1 });
    const expired = someFamily({ userId, expiresAt: NOW + 1 });
    for (const family of [live, unused, expired]) await stores.families.open(family, []);
    const ending = { at: NOW + 1, reason: 'logout', except: null, origin: SYSTEM } as const;
    const ids = [live, unused].map(({ tokenFamily }) => tokenFamily).sort();
    t.same([...(await stores.families.revokeAll(userId, ending))].sort(), ids);
    const ended = (await claimEvents(stores)).map(
      ({ event }) => 'sessionId' in event.data && event.data.sessionId,
    );
    t.same(ended.sort(), ids);
  });

  await t.test('a list has the live families of one user or of all users, newest first', async (t) => {
    const { families } = await fresh(t);
    const opened = [3, 1, 2].map((age) => someFamily({ createdAt: NOW - age }));
    const ended = someFamily({ createdAt: NOW });
    const expired = someFamily({ createdAt: NOW, expiresAt: NOW + 1 });
    for (const family of [...opened, ended, expired]) await families.open(family, []);
    await families.revoke(ended.tokenFamily, { at: NOW, reason: 'logout' }, []);
    const [oldest, newest, between] = opened;
    const page = { now: NOW + 1, limit: 2, after: null };
    t.same(await families.list(null, page), [newest, between]);
    t.same(await families.list(null, { ...page, after: between ?? null }), [oldest]);
    t.same(await families.list(between?.userId ?? '', page), [between]);
  });

  await t.test('a search finds families by user, address, client, user agent and state', async (t) => {
    const { families } = await fresh(t);
    const userId = randomUUID();
    const [phone, laptop, other, ended, expired] = [
      someFamily({ userId, createdAt: NOW - 5, address: '192.0.2.7', userAgent: 'Phone/1 (100%_)' }),
      someFamily({ userId, createdAt: NOW - 4, loginAddress: '192.0.2.7', clientId: 'web' }),
      someFamily({ createdAt: NOW - 3, clientId: 'web' }),
      someFamily({ userId, createdAt: NOW - 2 }),
      someFamily({ userId, createdAt: NOW - 1, expiresAt: NOW }),
    ];
    const all = [phone, laptop, other, ended, expired];
    for (const family of all) await families.open(family, []);
    await families.revoke(ended.tokenFamily, { at: NOW, reason: 'logout' }, []);
    const nameOf = (id: string) => all.findIndex(({ tokenFamily }) => tokenFamily === id);
    const find = async (filter: Partial<FamilyFilter>) => {
      const names: number[] = [];
      for (let after: FamilyPosition | null = null; ; ) {
        const page = await families.search(
          { userId: null, state: 'live', ...filter },
          { now: NOW, limit: 2, after },
        );
        names.push(...page.families.map(({ tokenFamily }) => nameOf(tokenFamily)));
        after = page.next;
        if (after === null) return names;
      }
    };
    t.same(await find({}), [2, 1, 0]);
    t.same(await find({ userId }), [1, 0]);
    t.same(await find({ userId, state: 'ended' }), [4, 3]);
    t.same(await find({ userId, state: 'all' }), [4, 3, 1, 0]);
    t.same(await find({ state: 'ended' }), [4, 3], 'of all users');
    t.same(await find({ state: 'all' }), [4, 3, 2, 1, 0]);
    t.same(await find({ state: 'all', clientId: 'web' }), [2, 1]);
    t.equal(await families.countLive(NOW, 10), 3);
    t.equal(await families.countLive(NOW - 1, 10), 4, 'one has expired meanwhile');
    t.same(await find({ address: '192.0.2.7' }), [1, 0], 'of the login or of the last refresh');
    t.same(await find({ clientId: 'web' }), [2, 1]);
    t.same(await find({ clientId: 'web', userId }), [1]);
    t.same(await find({ agent: 'pHoNe' }), [0]);
    t.same(await find({ agent: '%_' }), [0], 'no wildcards');
    t.same(await find({ agent: '_hone' }), []);
    const last = await families.search({ userId, state: 'live' }, { now: NOW, limit: 2, after: null });
    t.equal(last.next, null, 'a full page can be the last one');
  });

  await t.test('a returned row is a copy', async (t) => {
    const { families } = await fresh(t);
    const family = someFamily();
    await families.open(family, []);
    const found = await families.find(family.tokenFamily);
    Object.assign(found ?? {}, { generation: 99 });
    found?.seed.fill(0);
    t.same(await families.find(family.tokenFamily), family);
  });
}

async function atomicity(t: Test, fresh: (t: Test) => Promise<Stores>): Promise<void> {
  await t.test('entries and their change commit together', async (t) => {
    const stores = await fresh(t);
    const family = someFamily();
    const entries = [entry(family), entry(family), entry(family), entry(family)] as const;
    await stores.families.open(family, [entries[0]]);
    await stores.families.rotate(rotationOf(family), [entries[1]]);
    await stores.families.record(family.tokenFamily, [entries[2]]);
    await stores.families.revoke(family.tokenFamily, { at: NOW, reason: 'logout' }, [entries[3]]);
    const found = await claimEvents(stores);
    t.same(found.map(({ id }) => id).sort(), entries.map(({ id }) => id).sort());
    t.same(found.find(({ id }) => id === entries[0].id)?.event, entries[0].event);
    t.same(
      found.map(({ contact }) => contact),
      entries.map(() => 'ann@example.com'),
    );
  });

  await t.test('an entry that cannot be recorded undoes the change', async (t) => {
    const stores = await fresh(t);
    const family = someFamily();
    const taken = entry(family);
    await stores.families.open(family, [taken]);
    await t.rejects(stores.families.rotate(rotationOf(family), [taken]));
    await t.rejects(stores.families.revoke(family.tokenFamily, { at: NOW, reason: 'reuse' }, [taken]));
    const other = someFamily();
    await t.rejects(stores.families.open(other, [entry(other), taken]));
    t.same(await stores.families.find(family.tokenFamily), family);
    t.equal(await stores.families.find(other.tokenFamily), null);
    t.equal((await claimEvents(stores)).length, 1);
  });

  await t.test('no entry is recorded for an unknown family', async (t) => {
    const stores = await fresh(t);
    const unknownFamily = someFamily();
    await stores.families.record(unknownFamily.tokenFamily, [entry(unknownFamily)]);
    t.same(await claimEvents(stores), []);
  });

  await t.test(
    'an entry about one subject is recorded once a day, and never about a subject of the login',
    async (t) => {
      const stores = await fresh(t);
      const family = someFamily();
      await stores.families.open(family, []);
      const recordOnce = (oncePerDay: string, at: number) =>
        stores.families.record(family.tokenFamily, [
          entry(family, { oncePerDay, at }),
          entry(family, { oncePerDay, at, kind: 'mail' }),
        ]);
      const startOfDay = Date.UTC(2026, 0, 3);
      await recordOnce('203.0.113.1', NOW);
      t.equal((await claimEvents(stores)).length, 0, 'known since the login');
      await recordOnce('198.51.100.7', NOW);
      await recordOnce('198.51.100.7', startOfDay - 1);
      t.equal((await claimEvents(stores)).length, 1, 'recorded once on one day');
      await recordOnce('198.51.100.7', startOfDay);
      await recordOnce('198.51.100.8', startOfDay);
      t.equal((await claimEvents(stores)).length, 2, 'a new day, and a new network');
      t.equal(
        (await stores.outbox.claim('mail', LATER, LATER, 100)).length,
        3,
        'the mail goes with its event',
      );
    },
  );
}

async function concurrency(t: Test, fresh: (t: Test) => Promise<Stores>): Promise<void> {
  await t.test('of many concurrent rotations of one row one succeeds', async (t) => {
    const stores = await fresh(t);
    let family = someFamily();
    await stores.families.open(family, []);
    for (let round = 0; round < 10; round += 1) {
      const current = family;
      const attempts = Array.from({ length: 30 }, () =>
        stores.families.rotate(rotationOf(current), [entry(current)]),
      );
      const winners = (await Promise.all(attempts)).filter((row) => row !== null);
      t.equal(winners.length, 1);
      family = winners[0] ?? family;
      t.same(await stores.families.find(family.tokenFamily), family);
    }
    t.equal((await claimEvents(stores)).length, 10);
  });

  await t.test(
    'of many concurrent rotations of many rows one succeeds per row, and none for a row of another generation',
    async (t) => {
      const stores = await fresh(t);
      const families = Array.from({ length: 100 }, () => someFamily());
      await Promise.all(families.map((family) => stores.families.open(family, [])));
      const stale = new Set(families.slice(0, 10));
      const attempts = families.flatMap((family) => {
        const expected = stale.has(family) ? { ...family, generation: 7 } : family;
        return Array.from({ length: 3 }, () => rotationOf(expected));
      });
      const rotated = await Promise.all(attempts.map((rotation) => stores.families.rotate(rotation, [])));
      for (const [index, family] of families.entries()) {
        const winners = rotated.slice(index * 3, index * 3 + 3).filter((row) => row !== null);
        t.equal(winners.length, stale.has(family) ? 0 : 1);
        const row = winners[0] ?? family;
        t.same(await stores.families.find(family.tokenFamily), row);
        const own = attempts.find(({ next }) => next.hashedRefreshTokenId === row.hashedRefreshTokenId);
        t.same(row, { ...family, ...own?.next }, 'each row got its own pair');
      }
    },
  );

  await t.test('of many concurrent revocations one is recorded', async (t) => {
    const stores = await fresh(t);
    const family = someFamily();
    await stores.families.open(family, []);
    const revocation = { at: NOW, reason: 'reuse' } as const;
    const attempts = Array.from({ length: 30 }, () =>
      stores.families.revoke(family.tokenFamily, revocation, [entry(family)]),
    );
    t.equal((await Promise.all(attempts)).filter(Boolean).length, 1);
    t.equal((await claimEvents(stores)).length, 1);
  });

  await t.test('a rotation never succeeds after a concurrent revocation', async (t) => {
    const stores = await fresh(t);
    for (let round = 0; round < 20; round += 1) {
      const family = someFamily();
      await stores.families.open(family, []);
      const [rotated] = await Promise.all([
        stores.families.rotate(rotationOf(family), []),
        stores.families.revoke(family.tokenFamily, { at: NOW, reason: 'logout' }, []),
      ]);
      const found = await stores.families.find(family.tokenFamily);
      t.same(found?.revoked, { at: rotated?.rotatedAt ?? NOW, reason: 'logout' });
      t.equal(found?.generation, rotated === null ? 0 : 1);
      t.equal(await stores.families.rotate(rotationOf(found ?? family), []), null);
    }
  });

  await t.test('of many concurrent entries about one subject one is stored', async (t) => {
    const stores = await fresh(t);
    const family = someFamily();
    await stores.families.open(family, []);
    const attempts = Array.from({ length: 20 }, () =>
      stores.families.record(family.tokenFamily, [entry(family, { oncePerDay: '198.51.100.9' })]),
    );
    await Promise.all(attempts);
    t.equal((await claimEvents(stores)).length, 1);
  });
}
