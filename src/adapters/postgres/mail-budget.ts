import { createHash } from 'node:crypto';
import { DAY, HOUR } from '../../domain/durations.ts';
import { MAIL_BUDGET } from '../../domain/mail-budget.ts';
import type { MailBudget } from '../../ports/stores/mail-budget.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { type OutboxRow, toClaimedEntries } from './outbox.ts';

/** Mail budgets in PostgreSQL. `take` and `claimDigest` lock the recipient's row. */
export function createMailBudget(sql: Sql): MailBudget {
  return {
    async take(id, recipient, now) {
      const { perHour, perDay } = MAIL_BUDGET;
      const at = new Date(now);
      const { count } = await execute(sql`
        with counted as (
          insert into mail_budgets as budget (recipient, sent_at)
          select ${hashRecipient(recipient)}::bytea, array[${at}::timestamptz]
          where exists (select from outbox where id = ${id} and counted_at is null)
          on conflict (recipient) do update
            set sent_at = (budget.sent_at || excluded.sent_at)[greatest(1, cardinality(budget.sent_at) + 2 - ${perDay}):]
            where ${hasRoom(perHour, new Date(now - HOUR))} and ${hasRoom(perDay, new Date(now - DAY))}
          returning 1
        )
        update outbox set counted_at = coalesce(counted_at, ${at})
        where id = ${id} and (counted_at is not null or exists (select from counted))`);
      return count === 1;
    },

    async hold(id, recipient, until) {
      await execute(sql`
        update outbox set due_at = ${new Date(until)}, held_for = ${hashRecipient(recipient)},
          last_error = 'The recipient''s mail budget is used up; held for a digest.'
        where id = ${id}`);
    },

    async claimDigest(now, leasedUntil, limit) {
      const isDue = sql`held_for is not null and buried_at is null and due_at <= ${new Date(now)}`;
      const rows = await execute(sql<OutboxRow[]>`
        with chosen as materialized (
          select recipient from mail_budgets
          where recipient in (select held_for from outbox where ${isDue})
          limit 1
          for update skip locked
        )
        update outbox set attempts = attempts + 1, due_at = ${new Date(leasedUntil)}
        where id in (
          select id from outbox
          where held_for = (select recipient from chosen) and ${isDue}
          order by occurred_at
          limit ${limit}
          for update skip locked
        )
        returning id, type, data, occurred_at, contact, trace, attempts`);
      return toClaimedEntries(rows);
    },

    async forget(before, limit) {
      const { count } = await execute(forgetBudgetsSql(sql, before, limit));
      return count;
    },
  };

  /** Whether the budget allows one more mail: fewer than `count` mails were sent after `since`. */
  function hasRoom(count: number, since: Date) {
    return sql`coalesce(budget.sent_at[cardinality(budget.sent_at) + 1 - ${count}] <= ${since}, true)`;
  }
}

/**
 * Removes one batch of budgets, in the order of the index of last mails. The budget of a recipient with held mails is
 * kept.
 */
export function forgetBudgetsSql(sql: Sql, before: number, limit: number) {
  return sql`
    delete from mail_budgets where recipient = any(array(
      select recipient from mail_budgets as budget
      where sent_at[cardinality(sent_at)] < ${new Date(before)}
        and not exists (select from outbox where held_for = budget.recipient and buried_at is null)
      order by sent_at[cardinality(sent_at)]
      limit ${limit}
      for update skip locked
    ))`;
}

function hashRecipient(recipient: string): Buffer {
  return createHash('sha256').update(recipient).digest();
}
