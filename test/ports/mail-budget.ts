import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { MailBudget } from '../../src/ports/stores/mail-budget.ts';
import { entry, NOW, someFamily } from '../support/families.ts';
import type { Stores } from './token-families.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface BudgetStores extends Stores {
  readonly mailBudget: MailBudget;
}

/** The contract of {@link MailBudget}. */
export function mailBudgetContract(t: Test, fresh: (t: Test) => Promise<BudgetStores>): void {
  const recordMails = async ({ families }: BudgetStores, count: number) => {
    const family = someFamily();
    const entries = Array.from({ length: count }, (_, n) => entry(family, { kind: 'mail', at: NOW + n }));
    await families.open(family, entries);
    return entries.map(({ id }) => id);
  };

  /** Counts how many of `count` consecutive mails fit into the budget. */
  const countFitting = async (stores: BudgetStores, recipient: string, count: number, now: number) => {
    let fit = 0;
    for (const id of await recordMails(stores, count))
      if (await stores.mailBudget.take(id, recipient, now)) fit += 1;
    return fit;
  };

  const withHeld = async (t: Test, recipients: readonly string[]) => {
    const stores = await fresh(t);
    const ids = await recordMails(stores, recipients.length);
    await stores.outbox.claim('mail', NOW + MINUTE, NOW + 2 * MINUTE, 100);
    for (const [n, recipient] of recipients.entries()) {
      await stores.mailBudget.take(ids[n] ?? '', recipient, NOW);
      await stores.mailBudget.hold(ids[n] ?? '', recipient, NOW + HOUR);
    }
    return { ...stores, ids };
  };

  t.test('a recipient gets at most ten mails in any hour', async (t) => {
    const stores = await fresh(t);
    t.equal(await countFitting(stores, 'ann', 6, NOW), 6);
    t.equal(await countFitting(stores, 'ann', 6, NOW + 59 * MINUTE), 4);
    t.equal(await countFitting(stores, 'bob', 1, NOW + 59 * MINUTE), 1, 'another recipient');
    t.equal(await countFitting(stores, 'ann', 10, NOW + HOUR), 6, 'as many mails as are an hour old');
  });

  t.test('a recipient gets at most thirty mails in any day', async (t) => {
    const stores = await fresh(t);
    for (let hour = 0; hour < 3; hour += 1) {
      t.equal(await countFitting(stores, 'ann', 20, NOW + 2 * hour * HOUR), 10);
    }
    t.equal(await countFitting(stores, 'ann', 10, NOW + DAY - MINUTE), 0);
    t.equal(await countFitting(stores, 'ann', 20, NOW + DAY), 10);
  });

  t.test('concurrent mails never exceed the budget', async (t) => {
    const stores = await fresh(t);
    const ids = await recordMails(stores, 40);
    const taken = await Promise.all(ids.map((id) => stores.mailBudget.take(id, 'ann', NOW)));
    t.equal(taken.filter(Boolean).length, 10);
  });

  t.test('a mail that is taken at several attempts is counted once', async (t) => {
    const stores = await fresh(t);
    const [id = ''] = await recordMails(stores, 1);
    for (let attempt = 0; attempt < 5; attempt += 1)
      t.equal(await stores.mailBudget.take(id, 'ann', NOW), true);
    t.equal(await countFitting(stores, 'ann', 20, NOW), 9);
    t.equal(
      await stores.mailBudget.take(id, 'ann', NOW),
      true,
      'it was counted before the budget was used up',
    );
    t.equal(await stores.mailBudget.take(randomUUID(), 'bob', NOW), false, 'it is not in the outbox');
    t.equal(await countFitting(stores, 'bob', 20, NOW), 10);
  });

  t.test('a held mail is claimed only with the digest of its recipient', async (t) => {
    const { outbox, mailBudget, ids } = await withHeld(t, ['ann', 'ann', 'ann']);
    t.same(await outbox.claim('mail', NOW + DAY, NOW + 2 * DAY, 100), []);
    t.same(await mailBudget.claimDigest(NOW + HOUR - 1, NOW + 2 * HOUR, 100), []);
    const claimed = await mailBudget.claimDigest(NOW + HOUR, NOW + 2 * HOUR, 2);
    t.same(
      claimed.map(({ id, attempt, event }) => [id, attempt, event.type]),
      ids.slice(0, 2).map((id) => [id, 2, 'sessions.address_changed']),
    );
    t.same(
      (await mailBudget.claimDigest(NOW + HOUR, NOW + 2 * HOUR, 100)).map(({ id }) => id),
      ids.slice(2),
    );
    t.same(await mailBudget.claimDigest(NOW + HOUR, NOW + 2 * HOUR, 100), [], 'all are claimed');
    await outbox.acknowledge(ids.slice(0, 1));
    await outbox.deadLetter(ids[1] ?? '', NOW, '550 no');
    const again = await mailBudget.claimDigest(NOW + 2 * HOUR, NOW + 3 * HOUR, 100);
    t.same(
      again.map(({ id }) => id),
      ids.slice(2),
      'the lease of the last mail is over',
    );
  });

  t.test('a digest contains the mails of one recipient', async (t) => {
    const { mailBudget, ids } = await withHeld(t, ['ann', 'bob', 'ann']);
    const claim = async () =>
      (await mailBudget.claimDigest(NOW + HOUR, NOW + 2 * HOUR, 100)).map(({ id }) => id);
    const digests = [await claim(), await claim()].sort((one, other) => other.length - one.length);
    t.same(digests, [[ids[0], ids[2]], [ids[1]]]);
  });

  t.test('concurrent callers never share a digest', async (t) => {
    const { mailBudget, ids } = await withHeld(
      t,
      Array.from({ length: 30 }, () => 'ann'),
    );
    const claims = await Promise.all(
      Array.from({ length: 8 }, () => mailBudget.claimDigest(NOW + HOUR, NOW + 2 * HOUR, 100)),
    );
    t.same(claims.map(({ length }) => length).sort(), [0, 0, 0, 0, 0, 0, 0, ids.length]);
  });

  t.test('unused counts are removed', async (t) => {
    const stores = await withHeld(t, ['ann']);
    await countFitting(stores, 'bob', 1, NOW);
    await countFitting(stores, 'eve', 1, NOW + DAY);
    t.equal(
      await stores.mailBudget.forget(NOW + 1, 10),
      1,
      'only the counts of a recipient without a pending digest are removed',
    );
    await stores.outbox.acknowledge(stores.ids);
    t.equal(await stores.mailBudget.forget(NOW + 1, 10), 1);
    t.equal(await stores.mailBudget.forget(NOW + 2 * DAY, 10), 1);
  });

  t.end();
}
