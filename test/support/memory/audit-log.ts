import type { AuditEvent } from '../../../src/domain/audit.ts';
import type { AuditFilter, AuditLog, AuditPlace } from '../../../src/ports/stores/audit-log.ts';

/** The audit log in memory. */
export function createMemoryAuditLog(events: Map<string, AuditEvent>): AuditLog {
  return {
    async list(filter, { limit, after, newestFirst = false }) {
      const compare = newestFirst
        ? (one: AuditPlace, other: AuditPlace) => oldestFirst(other, one)
        : oldestFirst;
      return [...events.values()]
        .filter((event) => isMatch(event, filter))
        .sort(compare)
        .filter((event) => after === null || compare(after, event) < 0)
        .slice(0, limit)
        .map((event) => structuredClone(event));
    },

    async record(event) {
      events.set(event.id, { ...structuredClone(event), generation: null });
    },
  };
}

function isMatch(event: AuditEvent, { types, userId, sessionId, from, to }: AuditFilter): boolean {
  return (
    (types === undefined || types.includes(event.type)) &&
    (userId === undefined || event.userId === userId) &&
    (sessionId === undefined || event.sessionId === sessionId) &&
    (from === undefined || event.occurredAt >= from) &&
    (to === undefined || event.occurredAt < to)
  );
}

function oldestFirst(one: AuditPlace, other: AuditPlace): number {
  return one.occurredAt - other.occurredAt || (one.id < other.id ? -1 : Number(one.id > other.id));
}
