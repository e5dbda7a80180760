import type { AuditEvent } from '../../domain/audit.ts';
import type { AuditFilter, AuditLog } from '../../ports/stores/audit-log.ts';
import { cursorAt, readCursor } from '../time-cursor.ts';

/** A page of audit events. */
export interface EventPage {
  readonly items: readonly AuditEvent[];
  /** The cursor of the next page; absent on the last page. */
  readonly nextCursor?: string;
}

/** Reads one page of the audit log, oldest first. Throws a {@link Refusal} if the cursor is not valid. */
export async function readPage(
  auditLog: AuditLog,
  filter: AuditFilter,
  limit: number,
  cursor: string | null,
): Promise<EventPage> {
  const after = cursor === null ? null : placeOf(cursor);
  const found = await auditLog.list(filter, { limit: limit + 1, after });
  const items = found.slice(0, limit);
  const last = items.at(-1);
  if (found.length <= limit || last === undefined) return { items };
  return { items, nextCursor: cursorAt({ time: last.occurredAt, id: last.id }) };
}

function placeOf(cursor: string) {
  const { time, id } = readCursor(cursor);
  return { occurredAt: time, id };
}
