import type postgres from 'postgres';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { OutboxEntry } from '../../ports/stores/outbox.ts';
import type { CurrentTrace } from '../../ports/tracing.ts';
import type { Sql } from './connect.ts';

/** What entries about a family need of its row. */
export const TOLD = ['token_family', 'contact', 'known_since_login'] as const;

/** A pool, or the connection of a transaction. */
export type Executor = Sql | postgres.TransactionSql;
type Change = postgres.PendingQuery<postgres.Row[]>;

/**
 * Statements that make a change and record entries together, under the trace that is under way. Where there is
 * nothing to tell, the change by itself.
 */
export function createRecorder(currentTrace: CurrentTrace) {
  return {
    /**
     * The entries are recorded from the row that the change returns: no row, no entry. The change returns
     * {@link TOLD} at least; the whole returns `columns`.
     */
    family<Row extends postgres.MaybeRow>(
      sql: Executor,
      change: Change,
      entries: readonly OutboxEntry[],
      columns: readonly string[],
    ) {
      if (entries.length === 0) return sql<Row[]>`${change}`;
      return sql<Row[]>`
        with changed as (${change}),
        ${entriesAsTable(sql, entries)},
        told as (
          insert into told_subjects (token_family, subject, day)
          select distinct changed.token_family, entry.subject, (entry.occurred_at at time zone 'utc')::date
          from changed, entry
          where entry.subject <> all (changed.known_since_login)
          on conflict do nothing
          returning subject
        ),
        recorded as (
          insert into outbox (id, kind, type, data, occurred_at, contact, due_at, trace)
          select entry.id, entry.kind, entry.type, entry.data, entry.occurred_at, changed.contact,
            entry.occurred_at, ${trace(sql)}
          from changed, entry
          where entry.subject is null or entry.subject in (select subject from told)
        )
        select ${sql(columns)} from changed`;
    },

    /** The change of an account: it returns `id` and `email`, where mails about the account go. */
    user(sql: Executor, change: Change, entries: readonly OutboxEntry[]) {
      return sql<{ id: string; email: string }[]>`
        with changed as (${change}),
        ${entriesAsTable(sql, entries)},
        recorded as (
          insert into outbox (id, kind, type, data, occurred_at, contact, due_at, trace)
          select entry.id, entry.kind, entry.type, entry.data, entry.occurred_at, changed.email,
            entry.occurred_at, ${trace(sql)}
          from changed, entry
        )
        select id, email from changed`;
    },

    /** The end of all live families of a user but one, with an event for each. */
    endOfAll(sql: Executor, userId: string, { at, reason, except }: EndOfAll) {
      return sql<{ token_family: string }[]>`
        with ended as (
          update token_families set revoked_at = ${new Date(at)}, revoked_reason = ${reason}
          where user_id = ${userId} and revoked_at is null and token_family is distinct from ${except}::uuid
          returning token_family, user_id
        ),
        recorded as (
          insert into outbox (id, kind, type, data, occurred_at, due_at, trace)
          select gen_random_uuid(), 'event', 'sessions.revoked',
            jsonb_build_object('sessionId', token_family, 'userId', user_id, 'reason', ${reason}::text),
            ${new Date(at)}, ${new Date(at)}, ${trace(sql)}
          from ended
        )
        select token_family from ended`;
    },
  };

  function trace(sql: Executor) {
    const context = currentTrace();
    return sql`${context && JSON.stringify(context)}::text::jsonb`;
  }
}

interface EndOfAll {
  readonly at: number;
  readonly reason: RevocationReason;
  readonly except: string | null;
}

function entriesAsTable(sql: Executor, entries: readonly OutboxEntry[]) {
  return sql`entry as (
      select id, kind, type, data, occurred_at, subject from jsonb_to_recordset(${JSON.stringify(entries.map(toRecord))}::text::jsonb)
        as e(id uuid, kind text, type text, data jsonb, occurred_at timestamptz, subject text)
    )`;
}

function toRecord({ id, kind, event, oncePerDay }: OutboxEntry) {
  const { type, data, occurredAt } = event;
  const subject = oncePerDay ?? null;
  return { id, kind, type, data, occurred_at: new Date(occurredAt).toISOString(), subject };
}
