import type postgres from 'postgres';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { OutboxEntry } from '../../ports/stores/outbox.ts';
import type { CurrentTrace } from '../../ports/tracing.ts';
import type { Sql } from './connect.ts';

/** The columns of a family that its outbox entries need. */
export const OUTBOX_COLUMNS = ['token_family', 'contact', 'known_since_login'] as const;

/** A pool, or the connection of a transaction. */
export type Executor = Sql | postgres.TransactionSql;
type Change = postgres.PendingQuery<postgres.Row[]>;

/** The parts of a statement that opens a family. */
interface Opening {
  readonly room: Change;
  readonly insertion: Change;
  readonly newDevice: Change;
}

/**
 * Statements that make a change and record its outbox entries together, with the context of the current trace. Without
 * entries the statement is the change alone.
 */
export function createWithOutbox(currentTrace: CurrentTrace) {
  return {
    /**
     * Changes a family. No entry is recorded if the change returns no row. The change must return at least
     * {@link OUTBOX_COLUMNS}. The statement returns `columns`.
     */
    changeFamily<Row extends postgres.MaybeRow>(
      sql: Executor,
      change: Change,
      entries: readonly OutboxEntry[],
      columns: readonly string[],
    ) {
      if (entries.length === 0) return sql<Row[]>`${change}`;
      return sql<Row[]>`
        with changed as (${change}),
        ${insertFamilyEntries(sql, entries)}
        select ${sql(columns)} from changed`;
    },

    /**
     * Inserts a family. `room` revokes the sessions beyond the limit; the statement returns its columns and the id of the
     * new family. The id is null if the family was not inserted. `newDevice` is a boolean expression, evaluated once if
     * there is room.
     */
    openFamily<Row extends postgres.MaybeRow>(
      sql: Executor,
      { room, insertion, newDevice }: Opening,
      entries: readonly OutboxEntry[],
    ) {
      return sql<(Row & { token_family: string | null })[]>`
        with room as materialized (${room}),
        changed as (${insertion}),
        device as materialized (select ${newDevice} as is_new from room where not more),
        ${insertFamilyEntries(sql, entries, sql`and (not entry.if_new_device or (select is_new from device))`)}
        select user_id, revoked, more, token_family from room left join changed on true`;
    },

    /** Changes an account. The change must return `id` and `email`, the address for mails about the account. */
    changeUser(sql: Executor, change: Change, entries: readonly OutboxEntry[]) {
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

    /** Calls the database function `revoke_sessions`, which records an event for each session. */
    revokeSessions(sql: Executor, { userId, kept, spared, at, reason }: SessionRevocation) {
      return sql<RevokedBatch[]>`
        select ${userId}::uuid as user_id, revoked, more from revoke_sessions(
          ${userId}, ${kept}, ${spared}::uuid, ${new Date(at)}, ${reason}, ${trace(sql)})`;
    },
  };

  /** Common table expressions that record the entries from the row of `changed`. */
  function insertFamilyEntries(sql: Executor, entries: readonly OutboxEntry[], condition: Change = sql``) {
    return sql`
        ${entriesAsTable(sql, entries)},
        notified as (
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
          where (entry.subject is null or entry.subject in (select subject from notified)) ${condition}
        )`;
  }

  function trace(sql: Executor) {
    const context = currentTrace();
    return sql`${context && JSON.stringify(context)}::text::jsonb`;
  }
}

/** Revokes all sessions of a user except `spared` and the `kept` most recently refreshed of the others. */
export interface SessionRevocation {
  readonly userId: string;
  readonly kept: number;
  readonly spared: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly reason: RevocationReason;
}

/** The result of the database function `revoke_sessions`, which revokes one batch for each call. */
export interface RevokedBatch {
  readonly user_id: string;
  readonly revoked: readonly string[];
  /** Whether a further call would revoke more sessions. */
  readonly more: boolean;
}

function entriesAsTable(sql: Executor, entries: readonly OutboxEntry[]) {
  return sql`entry as (
      select id, kind, type, data, occurred_at, subject, if_new_device from jsonb_to_recordset(${JSON.stringify(entries.map(toRecord))}::text::jsonb)
        as e(id uuid, kind text, type text, data jsonb, occurred_at timestamptz, subject text, if_new_device boolean)
    )`;
}

function toRecord({ id, kind, event, oncePerDay, ifNewDevice }: OutboxEntry) {
  const { type, data, occurredAt } = event;
  const subject = oncePerDay ?? null;
  const occurred_at = new Date(occurredAt).toISOString();
  return { id, kind, type, data, occurred_at, subject, if_new_device: ifNewDevice === true };
}
