import type postgres from 'postgres';
import type { ChangeOrigin } from '../../domain/audit.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { AuditEntry } from '../../ports/stores/audit-log.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { CurrentTrace, TraceContext } from '../../ports/tracing.ts';
import { originColumns } from './audit-row.ts';
import type { Sql } from './connect.ts';
import {
  ENTRY_COLUMNS,
  ENTRY_RECORD,
  recordEntries,
  recordFamilyEntries,
  toEntryRecord,
} from './entries-sql.ts';
import { userKey } from './user-key.ts';

/** The columns of a family that its outbox entries need. */
export const FAMILY_COLUMNS_OF_ENTRIES = [
  'token_family',
  'generation',
  'contact',
  'known_since_login',
] as const;

/** A pool, or the connection of a transaction. */
export type Executor = Sql | postgres.TransactionSql;
type Change = postgres.Fragment;

/**
 * Statements that make a change and record its outbox entries together, with the context of the current trace.
 */
export function createOutboxWriter(currentTrace: CurrentTrace) {
  return {
    /**
     * Changes a family. No entry is recorded if the change returns no row. The change must return at least
     * {@link FAMILY_COLUMNS_OF_ENTRIES}. The statement returns `columns`. Without entries the statement is the change
     * alone, and returns what the change returns.
     */
    changeFamily<Row extends postgres.MaybeRow>(
      sql: Executor,
      change: Change,
      entries: readonly ChangeEntry[],
      columns: readonly string[],
    ) {
      if (entries.length === 0) return sql<Row[]>`${change}`;
      return sql<Row[]>`
        with changed as (${change}), ${entriesAsTable(sql, entries, currentTrace())}, ${sql.unsafe(FAMILY_ENTRIES)}
        select ${sql(columns)} from changed`;
    },

    /**
     * Changes an account or the state of a user. The change must return `id` and `email`, the address for mails about
     * the account. The address may be null.
     */
    changeUser(sql: Executor, change: Change, entries: readonly ChangeEntry[]) {
      return sql<{ id: string; email: string | null }[]>`
        with changed as (${change}), ${entriesAsTable(sql, entries, currentTrace())}, ${sql.unsafe(USER_ENTRIES)}
        select id, email from changed`;
    },

    /** Calls the database function `revoke_sessions`, which records an event for each session. */
    revokeSessions(
      sql: Executor,
      { userId, keptCount, sparedSession, at, reason, origin }: SessionRevocation,
    ) {
      const key = userKey(userId);
      return sql<RevokedBatch[]>`
        select ${key}::uuid as user_id, revoked, more from revoke_sessions(
          ${key}, ${keptCount}, ${sparedSession}::uuid, ${new Date(at)}, ${reason}, ${trace(sql)},
          ${JSON.stringify({ ...originColumns(origin), stated_reason: origin.statedReason })}::text::jsonb)`;
    },
  };

  function trace(sql: Executor) {
    const context = currentTrace();
    return sql`${context && JSON.stringify(context)}::text::jsonb`;
  }
}

export type OutboxWriter = ReturnType<typeof createOutboxWriter>;

/** Changes signing keys. The change must return `id`. An entry is recorded if the key that it names was changed. */
export function changeKeys(sql: Executor, change: Change, entries: readonly AuditEntry[]) {
  return sql<{ id: string }[]>`
    with changed as (${change}), ${entriesAsTable(sql, entries, null)}, ${sql.unsafe(KEY_ENTRIES)}
    select id from changed`;
}

/**
 * A revocation of all sessions of a user, except `sparedSession` and the `keptCount` others that were refreshed last.
 */
export interface SessionRevocation {
  readonly userId: string;
  readonly keptCount: number;
  readonly sparedSession: string | null;
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

function entriesAsTable(sql: Executor, entries: readonly ChangeEntry[], trace: TraceContext | null) {
  const records = JSON.stringify(entries.map((entry) => toEntryRecord(entry, trace)));
  return sql`
    entry as (
      select ${sql.unsafe(ENTRY_COLUMNS)} from jsonb_to_recordset(${records}::text::jsonb) as ${sql.unsafe(ENTRY_RECORD)}
    )`;
}

/** The change returns one row at most, to which all entries belong. */
const FROM_CHANGED = 'changed cross join entry';

const FAMILY_ENTRIES = recordFamilyEntries({ from: FROM_CHANGED, condition: 'true' });

const USER_ENTRIES = recordEntries({
  from: FROM_CHANGED,
  contact: 'changed.email',
  generation: 'null::integer',
  condition: 'true',
});

const KEY_ENTRIES = recordEntries({
  from: FROM_CHANGED,
  contact: 'null::text',
  generation: 'null::integer',
  condition: "entry.data ->> 'kid' = changed.id",
});
