import type postgres from 'postgres';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { OutboxEntry } from '../../ports/stores/outbox.ts';
import type { Sql } from './connect.ts';
import type { FamilyRow } from './family-row.ts';

/** A pool, or the connection of a transaction. */
export type Executor = Sql | postgres.TransactionSql;
type Change = postgres.PendingQuery<postgres.Row[]>;

/**
 * The change of a family by itself, or, where there is something to tell, one statement that makes the change and
 * records the entries from the row that it answers: no row, no entry.
 */
export function recordingFamily(sql: Executor, change: Change, entries: readonly OutboxEntry[]) {
  if (entries.length === 0) return sql<FamilyRow[]>`${change}`;
  return sql<FamilyRow[]>`
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
      insert into outbox (id, kind, type, data, occurred_at, contact, due_at)
      select entry.id, entry.kind, entry.type, entry.data, entry.occurred_at, changed.contact, entry.occurred_at
      from changed, entry
      where entry.subject is null or entry.subject in (select subject from told)
    )
    select * from changed`;
}

/** The change of an account, whose address is where mails about it go, together with the entries. */
export function recordingUser<Row extends postgres.MaybeRow>(
  sql: Executor,
  change: Change,
  entries: readonly OutboxEntry[],
) {
  return sql<Row[]>`
    with changed as (${change}),
    ${entriesAsTable(sql, entries)},
    recorded as (
      insert into outbox (id, kind, type, data, occurred_at, contact, due_at)
      select entry.id, entry.kind, entry.type, entry.data, entry.occurred_at, changed.email, entry.occurred_at
      from changed, entry
    )
    select * from changed`;
}

/** Ends all live families of a user but one, with an event for each. */
export function endingAll(
  sql: Executor,
  userId: string,
  { at, reason, except }: { at: number; reason: RevocationReason; except: string | null },
) {
  return sql<{ token_family: string }[]>`
    with ended as (
      update token_families set revoked_at = ${new Date(at)}, revoked_reason = ${reason}
      where user_id = ${userId} and revoked_at is null and token_family is distinct from ${except}::uuid
      returning token_family, user_id
    ),
    recorded as (
      insert into outbox (id, kind, type, data, occurred_at, due_at)
      select gen_random_uuid(), 'event', 'sessions.revoked',
        jsonb_build_object('sessionId', token_family, 'userId', user_id, 'reason', ${reason}::text),
        ${new Date(at)}, ${new Date(at)}
      from ended
    )
    select token_family from ended`;
}

function entriesAsTable(sql: Executor, entries: readonly OutboxEntry[]) {
  return sql`entry as (
      select * from jsonb_to_recordset(${JSON.stringify(entries.map(toRecord))}::text::jsonb)
        as e(id uuid, kind text, type text, data jsonb, occurred_at timestamptz, subject text)
    )`;
}

function toRecord({ id, kind, event, oncePerDay }: OutboxEntry) {
  const { type, data, occurredAt } = event;
  const subject = oncePerDay ?? null;
  return { id, kind, type, data, occurred_at: new Date(occurredAt).toISOString(), subject };
}
