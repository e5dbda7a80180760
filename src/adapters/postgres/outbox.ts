import { HOUR } from '../../domain/durations.ts';
import type { DomainEvent } from '../../domain/events.ts';
import type { Backlog, ClaimedEntry, DeliveryKind, Outbox } from '../../ports/stores/outbox.ts';
import type { TraceContext } from '../../ports/tracing.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';

export interface OutboxRow {
  id: string;
  type: DomainEvent['type'];
  data: DomainEvent['data'];
  occurred_at: Date;
  contact: string | null;
  trace: TraceContext | null;
  attempts: number;
}

interface BacklogRow {
  kind: Backlog['kind'];
  count: number;
  oldest_at: Date | null;
  postponed: number;
}

/** The outbox in PostgreSQL. A claim is a lease in the row, so no transaction stays open during a delivery. */
export function createOutbox(sql: Sql): Outbox {
  return {
    async claim(kind, now, leasedUntil, limit) {
      const rows = await execute(sql<OutboxRow[]>`
        update outbox set attempts = attempts + 1, due_at = ${new Date(leasedUntil)}
        where id in (
          select id from outbox
          where kind = ${kind} and buried_at is null and due_at <= ${new Date(now)} and held_for is null
          order by due_at
          limit ${limit}
          for update skip locked
        )
        returning id, type, data, occurred_at, contact, trace, attempts`);
      return toClaimedEntries(rows);
    },

    async acknowledge(ids) {
      await execute(sql`delete from outbox where id = any(${[...ids]}::uuid[])`);
    },

    async postpone(postponements) {
      const rows = postponements.map(({ dueAt, isUnroutable = false, ...rest }) => ({
        ...rest,
        unroutable: isUnroutable,
        due_at: new Date(dueAt).toISOString(),
      }));
      await execute(sql`
        update outbox set due_at = postponed.due_at, last_error = postponed.reason,
          unroutable = postponed.unroutable
        from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          as postponed(id uuid, due_at timestamptz, reason text, unroutable boolean)
        where outbox.id = postponed.id`);
    },

    async makeDue(type, after, dueAt, limit) {
      const { count } = await execute(sql`
        update outbox set due_at = ${new Date(dueAt)}, unroutable = false
        where id in (
          select id from outbox
          where kind = 'event' and type = ${type} and buried_at is null and due_at > ${new Date(after)}
          limit ${limit}
          for update skip locked
        )`);
      return count;
    },

    async deadLetter(id, at, reason) {
      await execute(
        sql`update outbox set buried_at = ${new Date(at)}, last_error = ${reason} where id = ${id}`,
      );
    },

    async backlog(now) {
      const rows = await execute(sql<BacklogRow[]>`
        select kind, soon.count, soon.oldest_at, least(50000, soon.unroutable + later.count) as postponed
        from unnest(array['event', 'mail']) as kinds (kind)
        cross join lateral (
          select count(*) filter (where not unroutable)::int as count,
            min(occurred_at) filter (where not unroutable) as oldest_at,
            count(*) filter (where unroutable)::int as unroutable
          from (
            select occurred_at, unroutable from outbox
            where outbox.kind = kinds.kind and buried_at is null and due_at <= ${new Date(now + HOUR)}
              and (held_for is null or due_at <= ${new Date(now)})
            order by due_at
            limit 50000
          ) entry
        ) soon
        cross join lateral (
          select count(*)::int as count from (
            select from outbox
            where outbox.kind = kinds.kind and buried_at is null and due_at > ${new Date(now + HOUR)}
            order by due_at
            limit 50000
          ) entry
        ) later`);
      return rows.map(({ kind, count, oldest_at, postponed }) => ({
        kind,
        count,
        postponed,
        oldestAt: oldest_at?.getTime() ?? null,
      }));
    },

    async forget(kind, before, limit) {
      const { count } = await execute(forgetOldSql(sql, kind, before, limit));
      return count;
    },
  };
}

/**
 * Removes one batch. A concurrent replica skips the rows that this batch has locked, and removes other rows.
 */
export function forgetOldSql(sql: Sql, kind: DeliveryKind, before: number, limit: number) {
  return sql`
    delete from outbox where id = any(array(
      select id from outbox where kind = ${kind} and occurred_at < ${new Date(before)}
      order by occurred_at
      limit ${limit}
      for update skip locked
    ))`;
}

/**
 * Sorts the entries by the times of their events. Events of the same time have a fixed order, because the id of the
 * first entry becomes the id of a digest.
 */
export function toClaimedEntries(rows: readonly OutboxRow[]): readonly ClaimedEntry[] {
  return rows
    .map(toClaimedEntry)
    .sort((one, other) => one.event.occurredAt - other.event.occurredAt || (one.id < other.id ? -1 : 1));
}

function toClaimedEntry(row: OutboxRow): ClaimedEntry {
  const event = { type: row.type, data: row.data, occurredAt: row.occurred_at.getTime() } as DomainEvent;
  return { id: row.id, event, contact: row.contact, trace: row.trace, attempt: row.attempts };
}
