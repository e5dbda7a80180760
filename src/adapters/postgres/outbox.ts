import type { DomainEvent } from '../../domain/events.ts';
import type { ClaimedEntry, Outbox } from '../../ports/stores/outbox.ts';
import { asked } from './asked.ts';
import type { Sql } from './connect.ts';

interface OutboxRow {
  id: string;
  type: DomainEvent['type'];
  data: DomainEvent['data'];
  occurred_at: Date;
  contact: string | null;
  attempts: number;
}

/** The outbox in PostgreSQL. A claim is a lease in the row: no transaction stays open while something is sent. */
export function createOutbox(sql: Sql): Outbox {
  return {
    async claim(kind, now, leasedUntil, limit) {
      const rows = await asked(sql<OutboxRow[]>`
        update outbox set attempts = attempts + 1, due_at = ${new Date(leasedUntil)}
        where id in (
          select id from outbox
          where kind = ${kind} and buried_at is null and due_at <= ${new Date(now)}
          order by due_at
          limit ${limit}
          for update skip locked
        )
        returning id, type, data, occurred_at, contact, attempts`);
      return rows.map(toClaimed).sort((one, other) => one.event.occurredAt - other.event.occurredAt);
    },

    async settle(id) {
      await asked(sql`delete from outbox where id = ${id}`);
    },

    async postpone(id, dueAt, reason) {
      await asked(
        sql`update outbox set due_at = ${new Date(dueAt)}, last_error = ${reason} where id = ${id}`,
      );
    },

    async bury(id, at, reason) {
      await asked(
        sql`update outbox set buried_at = ${new Date(at)}, last_error = ${reason} where id = ${id}`,
      );
    },

    async forget(kind, before) {
      const { count } = await asked(
        sql`delete from outbox where kind = ${kind} and occurred_at < ${new Date(before)}`,
      );
      return count;
    },
  };
}

function toClaimed(row: OutboxRow): ClaimedEntry {
  const event = { type: row.type, data: row.data, occurredAt: row.occurred_at.getTime() } as DomainEvent;
  return { id: row.id, event, contact: row.contact, attempt: row.attempts };
}
