import type { TransactionSql } from 'postgres';
import type { ActorKind, AuditEvent, AuditType, ChangeOrigin, NewAuditEvent } from '../../domain/audit.ts';
import type { Sql } from './connect.ts';
import { ownerColumns, toUserId } from './user-key.ts';

/** A row of `security_events` as the driver reads it. */
export interface AuditRow {
  id: string;
  occurred_at: Date;
  type: AuditType;
  /** Null if the event is about no user. */
  user_id: string | null;
  /** The user id, if `user_id` is a key that was derived from it; otherwise null. See {@link OwnedRow}. */
  user_id_text: string | null;
  session_id: string | null;
  actor: ActorKind;
  actor_name: string | null;
  address: string | null;
  user_agent: string | null;
  generation: number | null;
  data: AuditEvent['data'];
}

export const AUDIT_COLUMNS = [
  'id',
  'occurred_at',
  'type',
  'user_id',
  'user_id_text',
  'session_id',
  'actor',
  'actor_name',
  'address',
  'user_agent',
  'generation',
  'data',
] as const satisfies readonly (keyof AuditRow)[];

export function toAuditEvent(row: AuditRow): AuditEvent {
  return {
    id: row.id,
    type: row.type,
    occurredAt: row.occurred_at.getTime(),
    userId: row.user_id === null ? null : toUserId({ ...row, user_id: row.user_id }),
    sessionId: row.session_id,
    origin: {
      actor: { kind: row.actor, ...(row.actor_name !== null && { name: row.actor_name }) },
      address: row.address,
      userAgent: row.user_agent,
    },
    generation: row.generation,
    data: row.data,
  };
}

const NO_USER = { user_id: null, user_id_text: null };

/**
 * The columns of a new event, in JSON form, without `generation`. A statement that changes a family sets `generation`
 * itself.
 */
export function auditColumns({ id, type, occurredAt, userId, sessionId, origin, data }: NewAuditEvent) {
  return {
    id,
    type,
    occurred_at: new Date(occurredAt).toISOString(),
    ...(userId === null ? NO_USER : ownerColumns(userId)),
    session_id: sessionId,
    ...originColumns(origin),
    data,
  };
}

/** Inserts one event, alone or within the transaction of its change. */
export function insertEvent(sql: Sql | TransactionSql, event: NewAuditEvent) {
  const columns = auditColumns(event);
  const names = Object.keys(columns) as (keyof typeof columns)[];
  return sql`
    insert into security_events (${sql(names)})
    select ${sql(names)} from jsonb_populate_record(null::security_events, ${JSON.stringify(columns)}::text::jsonb)`;
}

/**
 * Runs a statement. If it changes a row, records the entries in the same transaction. Returns the statement or the
 * transaction itself, so that `execute` can cancel it.
 */
export function changeAndRecord<Rows extends { readonly count: number }>(
  sql: Sql,
  change: (executor: Sql | TransactionSql) => Promise<Rows>,
  entries: readonly NewAuditEvent[],
): Promise<Rows> {
  if (entries.length === 0) return change(sql);
  const changed = sql.begin(async (tx) => {
    const rows = await change(tx);
    if (rows.count > 0) for (const entry of entries) await insertEvent(tx, entry);
    return rows;
  });
  return changed as Promise<Rows>;
}

export function originColumns({ actor, address, userAgent }: ChangeOrigin) {
  return { actor: actor.kind, actor_name: actor.name ?? null, address, user_agent: userAgent };
}
