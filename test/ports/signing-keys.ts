import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { maintainKeySet } from '../../src/app/keys/maintain-key-set.ts';
import { byCommand, type ChangeType } from '../../src/domain/audit.ts';
import { keySetTiming } from '../../src/domain/key-set.ts';
import type { AuditLog } from '../../src/ports/stores/audit-log.ts';
import type { SealedKey, SigningKeys } from '../../src/ports/stores/signing-keys.ts';
import { NOW, someAuditEntry } from '../support/families.ts';
import { POLICY } from '../support/sessions.ts';

const HOUR = 3_600_000;

const someKey = (number: number, values: Partial<SealedKey> = {}): SealedKey => ({
  number,
  id: randomUUID(),
  alg: 'EdDSA',
  sealed: 'sealed',
  announcedAt: NOW + number,
  signsFrom: NOW + number * HOUR,
  ...values,
});

interface KeyStores {
  readonly signingKeys: SigningKeys;
  readonly auditLog: AuditLog;
}

/** The contract of {@link SigningKeys}. `freshStores` gives a store without a key. */
export function signingKeysContract(t: Test, freshStores: (t: Test) => Promise<KeyStores>): void {
  const fresh = async (t: Test) => (await freshStores(t)).signingKeys;

  t.test('the entry about a change of a key is recorded if and only if the change commits', async (t) => {
    const { signingKeys, auditLog } = await freshStores(t);
    const entryOf = ({ id: kid }: SealedKey, type: ChangeType) =>
      someAuditEntry(type, { origin: byCommand('ann'), data: { kid } });
    const [one, twin, two] = [someKey(1), someKey(1), someKey(2)];
    for (const key of [one, twin, two]) await signingKeys.add(key, [entryOf(key, 'keys.announced')]);
    await signingKeys.remove(
      [one.id, twin.id],
      [one, twin].map((key) => entryOf(key, 'keys.removed')),
    );
    const { events } = await auditLog.list({}, { limit: 10, after: null });
    t.same(
      events.map(({ type, data }) => `${type} ${data.kid}`).sort(),
      [`keys.announced ${one.id}`, `keys.announced ${two.id}`, `keys.removed ${one.id}`].sort(),
    );
    t.match(events[0], { userId: null, generation: null, origin: { actor: byCommand('ann').actor } });
  });

  t.test('keys are listed unchanged, ordered by number', async (t) => {
    const store = await fresh(t);
    t.same(await store.list(), []);
    const keys = [someKey(1), someKey(2, { alg: 'RS256' }), someKey(10, { alg: 'ES256' })];
    for (const key of keys.toReversed()) t.equal(await store.add(key, []), true);
    t.same(await store.list(), keys);
  });

  t.test('each number and each id can be added once', async (t) => {
    const store = await fresh(t);
    const first = someKey(1);
    await store.add(first, []);
    t.equal(await store.add(someKey(1), []), false);
    await t.rejects(store.add(someKey(2, { id: first.id }), []));
    t.same(await store.list(), [first], 'nothing was stored');
  });

  t.test('a key is removed once, and the other keys stay', async (t) => {
    const store = await fresh(t);
    const [one, two, three] = [someKey(1), someKey(2), someKey(3)];
    for (const key of [one, two, three]) await store.add(key, []);
    t.same((await store.remove([one.id, 'unknown', three.id], [])).toSorted(), [one.id, three.id].sort());
    t.same(await store.remove([one.id], []), []);
    t.same(await store.remove([], []), []);
    t.same(await store.list(), [two]);
  });

  t.test('a removed key that is restored is marked', async (t) => {
    const store = await fresh(t);
    const [one, two] = [someKey(1), someKey(2)];
    for (const key of [one, two]) await store.add(key, []);
    await store.remove([one.id], []);
    await store.add(one, []);
    t.same(await store.list(), [{ ...one, wasRemoved: true }, two]);
  });

  t.test('of twenty concurrent additions of the next key one succeeds', async (t) => {
    const store = await fresh(t);
    const keys = Array.from({ length: 20 }, () => someKey(1));
    const added = await Promise.all(keys.map((key) => store.add(key, [])));
    t.equal(added.filter(Boolean).length, 1);
    t.same(await store.list(), [keys[added.indexOf(true)]]);
  });

  t.test(
    'twenty replicas that rotate at the same time make one key, at the first start and later',
    async (t) => {
      const signingKeys = await fresh(t);
      const time = { now: NOW };
      const timing = keySetTiming(POLICY, { maxAge: 300_000, rotateAfter: HOUR });
      const lines: string[] = [];
      const record = (_members: object, message: string) => void lines.push(message);
      const replicas = Array.from({ length: 20 }, () =>
        maintainKeySet({
          newId: randomUUID,
          signingKeys,
          checkKey: async () => null,
          makeKey: async (alg, turn) => ({ ...turn, id: randomUUID(), alg, sealed: 'sealed' }),
          alg: 'EdDSA',
          timing,
          clock: () => time.now,
          log: { info: record, warn: record, error: record },
        }),
      );
      for (const [step, count] of [
        [0, 1],
        [HOUR - timing.announce, 2],
        [HOUR, 2],
        [2 * HOUR - timing.announce, 3],
        [2 * HOUR, 3],
      ] as const) {
        time.now = NOW + step;
        const seen = await Promise.all(replicas.map((maintain) => maintain()));
        for (const keys of seen)
          t.equal(keys.at(-1)?.number, seen[0]?.at(-1)?.number, 'all replicas have the same keys');
        t.equal(lines.filter((line) => line.endsWith('announced')).length, count, `${step} ms later`);
      }
      const removed = lines.filter((line) => line.includes('removed'));
      t.equal(removed.length, 1, 'a key past its time is removed once');
    },
  );

  t.end();
}
