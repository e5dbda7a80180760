import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { TokenFamily } from '../../src/domain/token-family.ts';
import type { OutboxEntry } from '../../src/ports/stores/outbox.ts';
import { hash, NOW, rotationOf, someFamily } from '../support/families.ts';
import type { Stores } from './token-families.ts';

const DAY = 86_400_000;
const HOME = { address: '203.0.113.1', userAgent: 'browser/1', productHash: hash() };
const OFFICE = { ...HOME, address: '198.51.100.7' };
const PHONE = { ...HOME, userAgent: 'phone/1', productHash: hash() };

type Place = Pick<TokenFamily, 'address' | 'userAgent' | 'productHash'>;

async function withUser(t: Test, fresh: (t: Test) => Promise<Stores>) {
  const { families, outbox } = await fresh(t);
  const userId = randomUUID();
  return {
    families,
    userId,
    countMails: async () => (await outbox.claim('mail', NOW, NOW, 1_000)).length,
    /** Opens a family. Returns the family, and whether the entry for a new device was recorded. */
    async open(place: Place, at = NOW, user = userId) {
      const opened = { ...place, userId: user, createdAt: at, rotatedAt: at, expiresAt: at + 30 * DAY };
      const family = someFamily(opened);
      const entry: OutboxEntry = {
        id: randomUUID(),
        kind: 'mail',
        ifNewDevice: true,
        event: {
          type: 'sessions.started_on_new_device',
          occurredAt: at,
          data: { sessionId: family.tokenFamily, userId: user, address: place.address, userAgent: 'x' },
        },
      };
      await families.open(family, [entry]);
      const recorded = await outbox.claim('mail', at, at, 1_000);
      return { family, isNew: recorded.some(({ id }) => id === entry.id) };
    },
  };
}

/** What {@link TokenFamilies} promises about the pairs of network and product of a user. */
export async function knownDevicesContract(t: Test, fresh: (t: Test) => Promise<Stores>): Promise<void> {
  await t.test('a login from an unknown pair is new, except the first one of the user', async (t) => {
    const { open } = await withUser(t, fresh);
    t.equal((await open(HOME)).isNew, false, 'the first login');
    t.equal((await open(HOME)).isNew, false, 'the same pair');
    t.equal((await open(OFFICE)).isNew, true, 'another network');
    t.equal((await open(PHONE)).isNew, true, 'another product');
    for (const place of [HOME, OFFICE, PHONE]) t.equal((await open(place)).isNew, false);
    t.equal((await open({ ...PHONE, address: OFFICE.address })).isNew, true, 'both known, but not together');
    t.equal((await open(HOME, NOW, randomUUID())).isNew, false, 'the first login of another user');
  });

  await t.test('an IPv6 /64 is one network, and so are the loopback addresses', async (t) => {
    const { open } = await withUser(t, fresh);
    await open(HOME);
    const at = (address: string) => open({ ...HOME, address });
    t.equal((await at('2001:db8:1:2::1')).isNew, true);
    t.equal((await at('2001:db8:1:2:ffff::9')).isNew, false);
    t.equal((await at('2001:db8:1:3::1')).isNew, true);
    t.equal((await at('127.0.0.1')).isNew, true);
    t.equal((await at('::1')).isNew, false);
    t.equal((await at('')).isNew, true, 'an unknown address');
  });

  await t.test('a pair is known for 90 days after its last login or refresh', async (t) => {
    const { open, families } = await withUser(t, fresh);
    const { family } = await open(HOME);
    await open(OFFICE);
    const next = { ...HOME, rotatedAt: NOW + 20 * DAY };
    await families.rotate(rotationOf(family, next), []);
    t.equal((await open(HOME, NOW + 110 * DAY - 1)).isNew, false, 'known by the refresh');
    t.equal((await open(OFFICE, NOW + 90 * DAY)).isNew, true);
  });

  await t.test('the pairs that a refresh leaves and enters are known', async (t) => {
    const { open, families } = await withUser(t, fresh);
    const { family } = await open(HOME);
    const moved = rotationOf(family, { ...OFFICE, rotatedAt: NOW + DAY });
    await families.rotate(moved, []);
    t.equal((await open(OFFICE, NOW + 2 * DAY)).isNew, false);
    t.equal((await open(HOME, NOW + 2 * DAY)).isNew, false);
    t.equal((await open(PHONE, NOW + 2 * DAY)).isNew, true);
  });

  await t.test('a purge keeps the pair of the family known', async (t) => {
    const { open, families } = await withUser(t, fresh);
    const now = Date.now();
    const { family } = await open(HOME, now - 40 * DAY);
    await families.rotate(rotationOf(family, { ...PHONE, rotatedAt: now - 39 * DAY }), []);
    await families.revoke(family.tokenFamily, { at: now - 38 * DAY, reason: 'logout' }, []);
    t.equal(await families.purge(now, 10), 1);
    t.equal((await open(PHONE, now)).isNew, false);
    t.equal((await open(OFFICE, now)).isNew, true, 'and the next login is not treated as the first one');
  });

  await t.test('pairs that were last used before the given time are removed', async (t) => {
    const { open, families } = await withUser(t, fresh);
    const now = Date.now();
    const { family } = await open(HOME, now - 80 * DAY);
    await families.revoke(family.tokenFamily, { at: now - 79 * DAY, reason: 'logout' }, []);
    await families.purge(now, 10);
    t.equal(await families.forgetDevices(now - 80 * DAY, 10), 0);
    t.equal(await families.forgetDevices(now - 80 * DAY + 1, 10), 1);
    t.equal((await open(HOME, now)).isNew, true);
  });

  await t.test('the latest fifty pairs of a user are known', async (t) => {
    const { open, families } = await withUser(t, fresh);
    const now = Date.now();
    const at = (n: number) => ({ ...HOME, address: `198.51.100.${n}` });
    for (let n = 0; n < 60; n += 1) {
      const { family } = await open(at(n), now - 60 * DAY + n);
      await families.revoke(family.tokenFamily, { at: now - 59 * DAY, reason: 'logout' }, []);
    }
    t.equal(await families.purge(now, 100), 60);
    t.equal((await open(at(59), now)).isNew, false);
    t.equal((await open(at(10), now)).isNew, false);
    t.equal((await open(at(9), now)).isNew, true);
  });

  await t.test('of many simultaneous logins from one new pair exactly one counts as new', async (t) => {
    const { open, countMails } = await withUser(t, fresh);
    await open(HOME);
    await Promise.all(Array.from({ length: 20 }, () => open(OFFICE)));
    t.equal(await countMails(), 1);
  });

  await t.test('simultaneous refreshes that change the pair succeed', async (t) => {
    const { open, families, userId } = await withUser(t, fresh);
    const opened = await Promise.all(Array.from({ length: 20 }, () => open(HOME)));
    const rotations = opened.map(({ family }) => families.rotate(rotationOf(family, OFFICE), []));
    t.equal((await Promise.all(rotations)).filter((row) => row?.userId === userId).length, 20);
    t.equal((await open(HOME)).isNew, false);
  });
}
