import type { AuditEvent } from '../../../src/domain/audit.ts';
import type { AuditLog, AuditPlace } from '../../../src/ports/stores/audit-log.ts';

/** The audit log in memory. */
export function createMemoryAuditLog(events: ReadonlyMap<string, AuditEvent>): AuditLog {
  return {
    async list({ sessionId }, { limit, after }) {
      return [...events.values()]
        .filter((event) => sessionId === undefined || event.sessionId === sessionId)
        .sort(oldestFirst)
        .filter((event) => after === null || oldestFirst(after, event) < 0)
        .slice(0, limit)
        .map((event) => structuredClone(event));
    },
  };
}

function oldestFirst(one: AuditPlace, other: AuditPlace): number {
  return one.occurredAt - other.occurredAt || (one.id < other.id ? -1 : Number(one.id > other.id));
}
