import type { Test } from 'tap';
import { entry, NOW, someFamily } from '../support/families.ts';
import type { Stores } from './token-families.ts';

const MINUTE = 60_000;

/** The contract of {@link Outbox}. */
export function outboxContract(t: Test, fresh: (t: Test) => Promise<Stores>): void {
  const opened = async (t: Test, count: number) => {
    const stores = await fresh(t);
    const family = someFamily();
    const entries = Array.from({ length: count }, (_, index) =>
      entry(family, { kind: 'mail', at: NOW + index }),
    );
    await stores.families.open(family, entries);
    return { ...stores, ids: entries.map(({ id }) => id) };
  };

  t.test('due entries of the kind are claimed, oldest first, for as long as the lease', async (t) => {
    const { outbox, ids } = await opened(t, 3);
    t.same(await outbox.claim('mail', NOW - 1, NOW + MINUTE, 10), []);
    t.same(await outbox.claim('event', NOW + 10, NOW + MINUTE, 10), []);
    const claimed = await outbox.claim('mail', NOW + 10, NOW + MINUTE, 2);
    t.same(
      claimed.map(({ id, attempt }) => [id, attempt]),
      ids.slice(0, 2).map((id) => [id, 1]),
    );
    t.same(
      (await outbox.claim('mail', NOW + 10, NOW + MINUTE, 10)).map(({ id }) => id),
      ids.slice(2),
    );
    const again = await outbox.claim('mail', NOW + MINUTE, NOW + 2 * MINUTE, 10);
    t.same(again.map(({ id, attempt }) => [id, attempt]).sort(), ids.map((id) => [id, 2]).sort());
  });

  t.test('settled is gone, postponed comes back, buried does not', async (t) => {
    const { outbox, ids } = await opened(t, 3);
    const [settled = '', postponed = '', buried = ''] = ids;
    await outbox.claim('mail', NOW + 10, NOW + MINUTE, 10);
    await outbox.settle(settled);
    await outbox.postpone(postponed, NOW + 2 * MINUTE, 'greylisted');
    await outbox.bury(buried, NOW, 'no such mailbox');
    t.same(await outbox.claim('mail', NOW + 2 * MINUTE - 1, NOW + 3 * MINUTE, 10), []);
    const back = await outbox.claim('mail', NOW + 2 * MINUTE, NOW + 3 * MINUTE, 10);
    t.same(
      back.map(({ id, attempt }) => [id, attempt]),
      [[postponed, 2]],
    );
  });

  t.test('old entries of a kind are forgotten, buried ones too', async (t) => {
    const { outbox, ids } = await opened(t, 3);
    await outbox.bury(ids[0] ?? '', NOW, 'no such mailbox');
    t.equal(await outbox.forget('event', NOW + MINUTE), 0);
    t.equal(await outbox.forget('mail', NOW + 2), 2);
    t.same(
      (await outbox.claim('mail', NOW + MINUTE, NOW + MINUTE, 10)).map(({ id }) => id),
      ids.slice(2),
    );
  });

  t.test('an entry is claimed by one of many', async (t) => {
    const { outbox, ids } = await opened(t, 40);
    const claims = await Promise.all(
      Array.from({ length: 10 }, () => outbox.claim('mail', NOW + MINUTE, NOW + 2 * MINUTE, 7)),
    );
    const claimed = claims.flat().map(({ id }) => id);
    t.equal(new Set(claimed).size, claimed.length);
    t.same([...claimed].sort(), [...ids].sort());
  });

  t.end();
}
