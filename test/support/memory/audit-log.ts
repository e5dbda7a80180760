import { randomUUID } from 'node:crypto';
import type { AuditEvent } from '../../../src/domain/audit.ts';
import type { AuditFilter, AuditLog, AuditPosition } from '../../../src/ports/stores/audit-log.ts';

const MINUTE = 60_000;

/** The audit log in memory. */
export function createMemoryAuditLog(events: Map<string, AuditEvent>): AuditLog {
  const failures = new Map<string, { minute: number; subject: string; network: string; count: number }>();

  return {
    async list(filter, { limit, after, newestFirst = false }) {
      const compare = newestFirst
        ? (one: AuditPosition, other: AuditPosition) => oldestFirst(other, one)
        : oldestFirst;
      const found = [...events.values()]
        .filter((event) => isMatch(event, filter))
        .sort(compare)
        .filter((event) => after === null || compare(after, event) < 0);
      const listed = found.slice(0, limit);
      return { events: structuredClone(listed), next: found.length > limit ? (listed.at(-1) ?? null) : null };
    },

    async record(event) {
      events.set(event.id, { ...structuredClone(event), generation: null });
    },

    async countFailedPassword({ userId, network, at }) {
      const minute = at - (at % MINUTE);
      const subject = userId ?? 'unknown';
      const isFull = [...failures.values()].filter((one) => one.minute === minute).length >= 999;
      const wanted = JSON.stringify([minute, subject, network]);
      const key = isFull && !failures.has(wanted) ? JSON.stringify([minute, 'rest', '']) : wanted;
      const [, countedAs = '', from = ''] = JSON.parse(key) as [number, string, string];
      const { count } = failures.get(key) ?? { count: 0 };
      failures.set(key, { minute, subject: countedAs, network: from, count: count + 1 });
    },

    async moveFailedPasswordCounts(before, limit) {
      const over = [...failures].filter(([, { minute }]) => minute < before).slice(0, limit);
      for (const [key, { minute, subject, network, count }] of over) {
        failures.delete(key);
        const isNobody = subject === 'unknown' || subject === 'rest';
        const id = randomUUID();
        events.set(id, {
          id,
          type: 'users.password_failed',
          occurredAt: minute,
          userId: isNobody ? null : subject,
          sessionId: null,
          origin: { actor: { kind: 'user' }, address: network || null, userAgent: null },
          generation: null,
          data: { count, ...(isNobody && { subject }) },
        });
      }
      return over.length;
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

function oldestFirst(one: AuditPosition, other: AuditPosition): number {
  return one.occurredAt - other.occurredAt || (one.id < other.id ? -1 : Number(one.id > other.id));
}
