import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { createSealMacs } from '../../src/adapters/secrets/seal-macs.ts';
import { removeOldAuditEvents } from '../../src/app/audit/purge-sealed.ts';
import { sealEvents } from '../../src/app/audit/seal-events.ts';
import { verifySeals } from '../../src/app/audit/verify-seals.ts';
import type { SealHead } from '../../src/domain/audit-seal.ts';
import type { NamedKey } from '../../src/ports/security/named-key.ts';
import type { AuditSeals } from '../../src/ports/stores/audit-seals.ts';
import { NOW, someFamily } from '../support/families.ts';
import { type AuditStores, auditEntry } from './audit-log.ts';

export interface SealStores extends AuditStores {
  readonly auditSeals: AuditSeals;
}

const DAY = 86_400_000;

export const someHashKey = (id: string): NamedKey => ({ id, bytes: randomBytes(64) });

/** The use cases of seals on these stores. The test sets `time`. */
export function sealUseCases(stores: SealStores, keys: readonly NamedKey[]) {
  const time = { now: NOW };
  const lines: object[] = [];
  const record = (facts: object) => void lines.push(facts);
  const log = { debug: record, info: record, warn: record, error: record };
  const telemetry = { removalFailed: () => {} };
  const deps = {
    auditSeals: stores.auditSeals,
    sealMacs: createSealMacs(keys),
    clock: () => time.now,
    auditRetention: DAY,
    log,
    telemetry,
  };
  return {
    time,
    lines,
    seal: sealEvents(deps),
    purge: removeOldAuditEvents(deps),
    verify: (expected: SealHead | null = null) => verifySeals(deps)(expected),
    /** Records `count` events in a transaction of their own. */
    async record(count: number, occurredAt = NOW) {
      const family = someFamily();
      const entries = Array.from({ length: count }, () => auditEntry(family, { occurredAt }));
      await stores.families.open(family, entries);
      return entries.map(({ id }) => id);
    },
  };
}

/** The contract of {@link AuditSeals}, tested through the use cases. */
export async function auditSealsContract(t: Test, fresh: (t: Test) => Promise<SealStores>): Promise<void> {
  const keys = [someHashKey('hash-1')];

  await t.test('each event is sealed once, and seals are numbered from 1', async (t) => {
    const stores = await fresh(t);
    const { seal, record, verify, lines } = sealUseCases(stores, keys);
    t.equal(await seal(), 0, 'without events no seal is made');
    await record(3);
    t.equal(await seal(), 3);
    t.equal(await seal(), 0);
    await record(2, NOW - DAY);
    t.equal(await seal(), 2, 'an event is sealed whatever its time');
    const seals = await stores.auditSeals.list(0, 10);
    t.same(
      seals.map(({ number, events }) => [number, events.length]),
      [
        [1, 3],
        [2, 2],
      ],
    );
    t.equal(seals[1]?.previous, seals[0]?.mac);
    t.match(await verify(), { fault: null, seals: 2, events: 5, unchecked: { length: 0 } });
    t.match(lines, [{ head: `1:${seals[0]?.mac}` }, { head: `2:${seals[1]?.mac}` }]);
  });

  await t.test('when two replicas seal at the same time, the chain stays whole', async (t) => {
    const stores = await fresh(t);
    const { seal, record, verify } = sealUseCases(stores, keys);
    await record(5);
    const counts = await Promise.all([seal(), seal(), seal()]);
    t.equal(
      counts.reduce((sum, count) => sum + count, 0),
      5,
    );
    t.match(await verify(), { fault: null, seals: 1, events: 5 });
  });

  await t.test(
    'a seal of an earlier key is verified, and a seal of an unknown key cannot be checked',
    async (t) => {
      const stores = await fresh(t);
      const [older, newer] = [someHashKey('hash-1'), someHashKey('hash-2')];
      const before = sealUseCases(stores, [older]);
      await before.record(1);
      await before.seal();
      const after = sealUseCases(stores, [newer, older]);
      await after.record(1);
      await after.seal();
      t.match(await after.verify(), { fault: null, unchecked: { length: 0 } });
      t.match(await sealUseCases(stores, [newer]).verify(), {
        fault: null,
        unchecked: [{ seal: 1, keyId: 'hash-1' }],
      });
    },
  );

  await t.test(
    'a purge removes old seals with their events, and the remaining seals stay verifiable',
    async (t) => {
      const stores = await fresh(t);
      const { seal, record, purge, verify, time } = sealUseCases(stores, keys);
      for (let n = 0; n < 6; n += 1) {
        await record(2);
        await seal();
        time.now += DAY / 4;
      }
      t.equal(await purge(), 4, 'two seals are older than a day');
      t.equal(await purge(), 0);
      t.equal((await stores.auditLog.list({}, { limit: 100, after: null })).events.length, 8);
      t.match(await verify(), { fault: null, seals: 4, events: 8 });
      time.now += 2 * DAY;
      while ((await purge()) > 0);
      t.match(await verify(), { fault: null, seals: 0, head: { number: 6 } });
      await record(1);
      await seal();
      t.match(await verify(), { fault: null, seals: 1, head: { number: 7 } }, 'the chain continues');
    },
  );

  await t.test('an event without a seal is not purged', async (t) => {
    const stores = await fresh(t);
    const { record, purge, time } = sealUseCases(stores, keys);
    await record(1);
    time.now += 1_000 * DAY;
    t.equal(await purge(), 0);
    t.equal((await stores.auditLog.list({}, { limit: 100, after: null })).events.length, 1);
  });
}
