import type postgres from 'postgres';
import type { ChangeOrigin } from '../../domain/audit.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { AuditEntry } from '../../ports/stores/audit-log.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { CurrentTrace } from '../../ports/tracing.ts';
import { auditColumns, originColumns } from './audit-row.ts';
import type { Sql } from './connect.ts';
import { userKey } from './user-key.ts';

/** The columns of a family that its outbox entries need. */
export const OUTBOX_COLUMNS = ['token_family', 'generation', 'contact', 'known_since_login'] as const;

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
export function createOutboxWriter(currentTrace: CurrentTrace) {
  return {
    /**
     * Changes a family. No entry is recorded if the change returns no row. The change must return at least
     * {@link OUTBOX_COLUMNS}. The statement returns `columns`.
     */
    changeFamily<Row extends postgres.MaybeRow>(
      sql: Executor,
      change: Change,
      entries: readonly ChangeEntry[],
      columns: readonly string[],
    ) {
      if (entries.length === 0) return sql<Row[]>`${change}`;
      return sql<Row[]>`
        with changed as (${change}),
        ${insertFamilyEntries(sql, entries)}
        select ${sql(columns)} from changed`;
    },

    /**
     * Inserts a family. `room` revokes the sessions beyond the limit. The statement returns the columns of `room`, the
     * new id and the claims. The id is null if the family was not inserted. `newDevice` is a boolean expression,
     * evaluated once if there is room.
     */
    openFamily<Row extends postgres.MaybeRow>(
      sql: Executor,
      { room, insertion, newDevice }: Opening,
      entries: readonly ChangeEntry[],
    ) {
      return sql<Row[]>`
        with room as materialized (${room}),
        changed as (${insertion}),
        device as materialized (select ${newDevice} as is_new from room where not more),
        ${insertFamilyEntries(sql, entries, sql`and (not entry.if_new_device or (select is_new from device))`)}
        select user_id, revoked, more, token_family, claims from room left join changed on true`;
    },

    /** Changes an account. The change must return `id` and `email`, the address for mails about the account. */
    changeUser(sql: Executor, change: Change, entries: readonly ChangeEntry[]) {
      return sql<{ id: string; email: string }[]>`
        with changed as (${change}),
        ${entriesAsTable(sql, entries)},
        recorded as (
          insert into outbox (id, kind, type, data, occurred_at, contact, due_at, trace)
          select entry.id, entry.kind, entry.type, entry.data, entry.occurred_at, changed.email,
            entry.occurred_at, ${trace(sql)}
          from changed, entry
          where entry.kind <> 'audit'
        ),
        ${auditSql(sql, sql`null::integer`)}
        select id, email from changed`;
    },

    /** Calls the database function `revoke_sessions`, which records an event for each session. */
    revokeSessions(sql: Executor, { userId, kept, spared, at, reason, origin }: SessionRevocation) {
      const key = userKey(userId);
      return sql<RevokedBatch[]>`
        select ${key}::uuid as user_id, revoked, more from revoke_sessions(
          ${key}, ${kept}, ${spared}::uuid, ${new Date(at)}, ${reason}, ${trace(sql)},
          ${JSON.stringify({ ...originColumns(origin), stated_reason: origin.statedReason })}::text::jsonb)`;
    },
  };

  /** Common table expressions that record the entries from the row of `changed`. */
  function insertFamilyEntries(sql: Executor, entries: readonly ChangeEntry[], condition: Change = sql``) {
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
          where entry.kind <> 'audit'
            and (entry.subject is null or entry.subject in (select subject from notified)) ${condition}
        ),
        ${auditSql(
          sql,
          sql`changed.generation`,
          sql`and (entry.subject is null or entry.subject in (select subject from notified)) ${condition}`,
        )}`;
  }

  function trace(sql: Executor) {
    const context = currentTrace();
    return sql`${context && JSON.stringify(context)}::text::jsonb`;
  }
}

/** Changes signing keys. The change must return `id`. An entry is recorded if the key that it names was changed. */
export function changeKeys(sql: Executor, change: Change, entries: readonly AuditEntry[]) {
  return sql<{ id: string }[]>`
    with changed as (${change}),
    ${entriesAsTable(sql, entries)},
    ${auditSql(sql, sql`null::integer`, sql`and entry.data ->> 'kid' = changed.id`)}
    select id from changed`;
}

/** Revokes all sessions of a user except `spared` and the `kept` most recently refreshed of the others. */
export interface SessionRevocation {
  readonly userId: string;
  readonly kept: number;
  readonly spared: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly reason: RevocationReason;
  readonly origin: ChangeOrigin;
}

/** The result of the database function `revoke_sessions`, which revokes one batch for each call. */
export interface RevokedBatch {
  readonly user_id: string;
  readonly revoked: readonly string[];
  /** Whether a further call would revoke more sessions. */
  readonly more: boolean;
}

function entriesAsTable(sql: Executor, entries: readonly ChangeEntry[]) {
  return sql`entry as (
      select ${sql(ENTRY_COLUMNS)} from jsonb_to_recordset(${JSON.stringify(entries.map(toRecord))}::text::jsonb)
        as e(id uuid, kind text, type text, data jsonb, occurred_at timestamptz, subject text, if_new_device boolean,
          user_id uuid, user_id_text text, session_id uuid, actor text, actor_name text, address text, user_agent text)
    )`;
}

const ENTRY_COLUMNS = [
  'id',
  'kind',
  'type',
  'data',
  'occurred_at',
  'subject',
  'if_new_device',
  'user_id',
  'user_id_text',
  'session_id',
  'actor',
  'actor_name',
  'address',
  'user_agent',
] as const;

/** A common table expression that records the audit events among the entries. */
function auditSql(sql: Executor, generation: Change, condition: Change = sql``) {
  return sql`
        audited as (
          insert into security_events (id, occurred_at, type, user_id, user_id_text, session_id, actor, actor_name, address,
            user_agent, generation, data)
          select entry.id, entry.occurred_at, entry.type, entry.user_id, entry.user_id_text, entry.session_id, entry.actor,
            entry.actor_name, entry.address, entry.user_agent, ${generation}, entry.data
          from changed, entry
          where entry.kind = 'audit' ${condition}
        )`;
}

function toRecord(entry: ChangeEntry) {
  const subject = entry.oncePerDay ?? null;
  if (entry.kind === 'audit') {
    return { ...auditColumns(entry), kind: entry.kind, subject, if_new_device: false };
  }
  const { id, kind, event, ifNewDevice } = entry;
  const { type, data, occurredAt } = event;
  const occurred_at = new Date(occurredAt).toISOString();
  return { id, kind, type, data, occurred_at, subject, if_new_device: ifNewDevice === true };
}
