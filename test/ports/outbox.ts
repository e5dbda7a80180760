import type { Test } from 'tap';
import type { EventType } from '../../src/domain/events.ts';
import { entry, NOW, someFamily } from '../support/families.ts';
import type { Stores } from './token-families.ts';

const MINUTE = 60_000;

/** The contract of {@link Outbox}. */
export function outboxContract(t: Test, fresh: (t: Test) => Promise<Stores>): void {
  const openWithEntries = async (t: Test, count: number) => {
    const stores = await fresh(t);
    const family = someFamily();
    const entries = Array.from({ length: count }, (_, index) =>
      entry(family, { kind: 'mail', at: NOW + index }),
    );
    await stores.families.open(family, entries);
    return { ...stores, ids: entries.map(({ id }) => id) };
  };

  t.test('due entries of one kind are claimed, oldest first, until their lease ends', async (t) => {
    const { outbox, ids } = await openWithEntries(t, 3);
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

  t.test('acknowledged and dead-lettered entries are not claimed again, postponed entries are', async (t) => {
    const { outbox, ids } = await openWithEntries(t, 3);
    const [acknowledged = '', postponed = '', deadLettered = ''] = ids;
    await outbox.claim('mail', NOW + 10, NOW + MINUTE, 10);
    await outbox.acknowledge([acknowledged]);
    await outbox.postpone([{ id: postponed, dueAt: NOW + 2 * MINUTE, reason: 'greylisted' }]);
    await outbox.deadLetter(deadLettered, NOW, 'no such mailbox');
    t.same(await outbox.claim('mail', NOW + 2 * MINUTE - 1, NOW + 3 * MINUTE, 10), []);
    const back = await outbox.claim('mail', NOW + 2 * MINUTE, NOW + 3 * MINUTE, 10);
    t.same(
      back.map(({ id, attempt }) => [id, attempt]),
      [[postponed, 2]],
    );
  });

  t.test('one call acknowledges or postpones many entries, and no others', async (t) => {
    const { outbox, ids } = await openWithEntries(t, 6);
    await outbox.claim('mail', NOW + 10, NOW + MINUTE, 10);
    await outbox.acknowledge(ids.slice(0, 2));
    const late = ids
      .slice(2, 4)
      .map((id, index) => ({ id, dueAt: NOW + (2 + index) * MINUTE, reason: `${index}` }));
    await outbox.postpone(late);
    const dueAt = async (now: number) =>
      (await outbox.claim('mail', now, now + MINUTE, 10)).map(({ id }) => id);
    t.same((await dueAt(NOW + MINUTE)).sort(), ids.slice(4).sort());
    await outbox.acknowledge(ids.slice(4));
    t.same(await dueAt(NOW + 2 * MINUTE), [ids[2]]);
    await outbox.acknowledge([ids[2] ?? '']);
    t.same(await dueAt(NOW + 3 * MINUTE), [ids[3]]);
    await outbox.acknowledge([]);
    await outbox.postpone([]);
  });

  t.test('postponed events of one type are made due at once, up to the limit of a call', async (t) => {
    const { families, outbox } = await fresh(t);
    const family = someFamily();
    const events = Array.from({ length: 4 }, () => entry(family, { kind: 'event' }));
    const mail = entry(family, { kind: 'mail' });
    await families.open(family, [...events, mail]);
    const [soon, late, later, deadLettered] = events.map(({ id }) => id);
    const postpone = (id = '', minutes = 0) => ({ id, dueAt: NOW + minutes * MINUTE, reason: 'unroutable' });
    await outbox.postpone([postpone(soon, 1), postpone(late, 2), postpone(later, 3), postpone(mail.id, 3)]);
    await outbox.deadLetter(deadLettered ?? '', NOW, 'no use');
    const makeDue = (type: EventType, limit: number) => outbox.makeDue(type, NOW + MINUTE, NOW, limit);
    t.equal(await makeDue('users.created', 10), 0);
    t.equal(await makeDue('sessions.address_changed', 1), 1);
    t.equal((await outbox.claim('event', NOW, NOW, 10)).length, 1);
    t.equal(await makeDue('sessions.address_changed', 10), 1, 'the other event');
    const due = await outbox.claim('event', NOW, NOW, 10);
    t.same(due.map(({ id }) => id).sort(), [late, later].sort());
    t.same(await outbox.claim('mail', NOW, NOW, 10), []);
  });

  t.test('the backlog of a kind counts its due, claimed and soon due entries', async (t) => {
    const { outbox, ids } = await openWithEntries(t, 4);
    const mails = async (now: number) => (await outbox.backlog(now)).find(({ kind }) => kind === 'mail');
    t.same(await mails(NOW + 10), { kind: 'mail', count: 4, oldestAt: NOW, postponed: 0 });
    t.match(
      (await outbox.backlog(NOW)).find(({ kind }) => kind === 'event'),
      { count: 0, oldestAt: null, postponed: 0 },
    );
    await outbox.claim('mail', NOW, NOW + MINUTE, 1);
    t.match(await mails(NOW + 10), { count: 4, oldestAt: NOW }, 'claimed is not delivered');
    await outbox.acknowledge([ids[0] ?? '']);
    await outbox.deadLetter(ids[1] ?? '', NOW, 'no such mailbox');
    await outbox.postpone([{ id: ids[2] ?? '', dueAt: NOW + 61 * MINUTE, reason: 'much later' }]);
    t.same(await mails(NOW), { kind: 'mail', count: 1, oldestAt: NOW + 3, postponed: 1 });
    t.same(
      await mails(NOW + MINUTE),
      { kind: 'mail', count: 2, oldestAt: NOW + 2, postponed: 0 },
      'within the hour',
    );
  });

  t.test(
    'an event that no queue takes counts as postponed, not as waiting, until its type is routed',
    async (t) => {
      const { families, outbox } = await fresh(t);
      const family = someFamily();
      const [unroutable, failed] = [
        entry(family, { kind: 'event' }),
        entry(family, { kind: 'event', at: NOW + 1 }),
      ];
      await families.open(family, [unroutable, failed]);
      const events = async () => (await outbox.backlog(NOW)).find(({ kind }) => kind === 'event');
      const postponed = { dueAt: NOW + 2 * MINUTE, reason: 'later' };
      await outbox.postpone([
        { id: unroutable.id, ...postponed, isUnroutable: true },
        { id: failed.id, ...postponed },
      ]);
      t.match(await events(), { count: 1, oldestAt: NOW + 1, postponed: 1 });
      await outbox.makeDue(unroutable.event.type, NOW + MINUTE, NOW, 10);
      t.match(await events(), { count: 2, oldestAt: NOW, postponed: 0 });
      await outbox.postpone([{ id: unroutable.id, ...postponed, isUnroutable: true }]);
      await outbox.postpone([{ id: unroutable.id, ...postponed }]);
      t.match(await events(), { count: 2, postponed: 0 }, 'its last attempt failed');
    },
  );

  t.test('old entries of a kind are removed, also dead-lettered ones', async (t) => {
    const { outbox, ids } = await openWithEntries(t, 3);
    await outbox.deadLetter(ids[0] ?? '', NOW, 'no such mailbox');
    t.equal(await outbox.forget('event', NOW + MINUTE, 10), 0);
    t.equal(await outbox.forget('mail', NOW + 2, 1), 1, 'no more than the limit of the call');
    t.equal(await outbox.forget('mail', NOW + 2, 10), 1);
    t.same(
      (await outbox.claim('mail', NOW + MINUTE, NOW + MINUTE, 10)).map(({ id }) => id),
      ids.slice(2),
    );
  });

  t.test('only one of many concurrent callers claims an entry', async (t) => {
    const { outbox, ids } = await openWithEntries(t, 40);
    const claims = await Promise.all(
      Array.from({ length: 10 }, () => outbox.claim('mail', NOW + MINUTE, NOW + 2 * MINUTE, 7)),
    );
    const claimed = claims.flat().map(({ id }) => id);
    t.equal(new Set(claimed).size, claimed.length);
    t.same([...claimed].sort(), [...ids].sort());
  });

  t.end();
}
