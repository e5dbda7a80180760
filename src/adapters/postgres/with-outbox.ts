import type postgres from 'postgres';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { OutboxEntry } from '../../ports/stores/outbox.ts';
import type { CurrentTrace } from '../../ports/tracing.ts';
import type { Sql } from './connect.ts';

/** What entries about a family need of its row. */
export const OUTBOX_COLUMNS = ['token_family', 'contact', 'known_since_login'] as const;

/** A pool, or the connection of a transaction. */
export type Executor = Sql | postgres.TransactionSql;
type Change = postgres.PendingQuery<postgres.Row[]>;

/**
 * Statements that make a change and record entries together, under the trace that is under way. Where there is
 * nothing to tell, the change by itself.
 */
export function createWithOutbox(currentTrace: CurrentTrace) {
  return {
    /**
     * The entries are recorded from the row that the change returns: no row, no entry. The change returns
     * {@link OUTBOX_COLUMNS} at least; the whole returns `columns`.
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
        ${entriesOfFamily(sql, entries)}
        select ${sql(columns)} from changed`;
    },

    /** A new family: `room` answers the rows on whose account it is opened, and the whole returns their columns. */
    opening<Row extends postgres.MaybeRow>(
      sql: Executor,
      { room, insertion }: { readonly room: Change; readonly insertion: Change },
      entries: readonly OutboxEntry[],
    ) {
      return sql<(Row & { token_family: string | null })[]>`
        with room as materialized (${room}),
        changed as (${insertion}),
        ${entriesOfFamily(sql, entries)}
        select user_id, revoked, more, token_family from room left join changed on true`;
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

    /** Calls `revoke_sessions`, which records an event for each session. */
    revocation(sql: Executor, { userId, kept, spared, at, reason }: SessionRevocation) {
      return sql<RevokedBatch[]>`
        select ${userId}::uuid as user_id, revoked, more from revoke_sessions(
          ${userId}, ${kept}, ${spared}::uuid, ${new Date(at)}, ${reason}, ${trace(sql)})`;
    },
  };

  /** What is recorded with the row of `changed`, as the rest of a list of common table expressions. */
  function entriesOfFamily(sql: Executor, entries: readonly OutboxEntry[]) {
    return sql`
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
        )`;
  }

  function trace(sql: Executor) {
    const context = currentTrace();
    return sql`${context && JSON.stringify(context)}::text::jsonb`;
  }
}

/** Which sessions of a user end: all but `spared` and the `kept` most recently refreshed of the others. */
export interface SessionRevocation {
  readonly userId: string;
  readonly kept: number;
  readonly spared: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly reason: RevocationReason;
}

/** The answer of the database function `revoke_sessions` to one call, which revokes a batch. */
export interface RevokedBatch {
  readonly user_id: string;
  readonly revoked: readonly string[];
  /** Whether sessions are left for a further call. */
  readonly more: boolean;
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
