import type { AuditEvent } from '../../domain/audit.ts';
import type { AuditFilter, AuditLog, AuditPosition, FoundEvents } from '../../ports/stores/audit-log.ts';
import { type EventPage, type PageRequest, positionOf, readPage } from './event-page.ts';

/** One page of the audit log. */
export type ListAuditEvents = (filter: AuditFilter, page: PageRequest) => Promise<EventPage>;

/** Lists events of the audit log. Rejects with a {@link Refusal} `invalid_request` if the cursor is not valid. */
export const listAuditEvents =
  ({ auditLog }: { readonly auditLog: AuditLog }): ListAuditEvents =>
  async (filter, page) =>
    readPage(auditLog, filter, page);

/** All events of the audit log behind a cursor, oldest first. */
export type StreamAuditEvents = (
  filter: AuditFilter,
  cursor: string | null,
) => Promise<AsyncIterable<AuditEvent>>;

/** The number of events that one statement reads. It bounds the memory, whatever the length of the log. */
const BATCH = 500;

/**
 * Reads the log in batches, as fast as the consumer takes them. Rejects with a {@link Refusal} if the cursor is not
 * valid.
 */
export const streamAuditEvents = ({ auditLog }: { readonly auditLog: AuditLog }): StreamAuditEvents => {
  return async (filter, cursor) => read(filter, positionOf(cursor));

  async function* read(filter: AuditFilter, start: AuditPosition | null) {
    for (let after = start; ; ) {
      const { events, next }: FoundEvents = await auditLog.list(filter, { limit: BATCH, after });
      yield* events;
      if (next === null) return;
      after = next;
    }
  }
};
