import type { AuditEvent } from '../../domain/audit.ts';
import type { AuditFilter, AuditLog, AuditPageRequest, AuditPosition } from '../../ports/stores/audit-log.ts';
import { cursorAt, readCursor } from '../time-cursor.ts';

/** A page of audit events. Before the last page it can have fewer events than its limit, or none. */
export interface EventPage {
  readonly items: readonly AuditEvent[];
  /** The cursor of the next page; absent on the last page. */
  readonly nextCursor?: string;
}

/** How much of a list is wanted, from which cursor on, in which order. */
export interface PageRequest extends Pick<AuditPageRequest, 'limit' | 'newestFirst'> {
  readonly cursor: string | null;
}

/** Reads one page of the audit log. Rejects with a {@link Refusal} if the cursor is not valid. */
export async function readPage(
  auditLog: AuditLog,
  filter: AuditFilter,
  { cursor, limit, ...order }: PageRequest,
): Promise<EventPage> {
  const { events, next } = await auditLog.list(filter, { ...order, limit, after: positionOf(cursor) });
  return next === null
    ? { items: events }
    : { items: events, nextCursor: cursorAt({ time: next.occurredAt, id: next.id }) };
}

/** The position of a cursor; null: the beginning. Throws a {@link Refusal} if the cursor is not valid. */
export function positionOf(cursor: string | null): AuditPosition | null {
  if (cursor === null) return null;
  const { time, id } = readCursor(cursor);
  return { occurredAt: time, id };
}
