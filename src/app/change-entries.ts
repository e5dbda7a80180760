import { auditEvent, type ChangeOrigin, changeEvent, type RecordedChange } from '../domain/audit.ts';
import { hasMail, isPublished, type Occurrence } from '../domain/events.ts';
import type { NewId } from '../ports/new-id.ts';
import type { AuditEntry } from '../ports/stores/audit-log.ts';
import type { ChangeEntry } from '../ports/stores/change-entry.ts';
import type { DeliveryKind, OutboxEntry } from '../ports/stores/outbox.ts';

/**
 * Builds the entries that a change records for its occurrences: events for other systems, mails, and audit events.
 */
export function changeEntries(
  newId: NewId,
  origin: ChangeOrigin,
  occurrences: readonly Occurrence[],
): ChangeEntry[] {
  return occurrences.flatMap((occurrence) => [
    ...outboxEntries(newId, occurrence),
    ...auditEntries(newId, origin, occurrence),
  ]);
}

function outboxEntries(newId: NewId, { event, oncePerDay, ifNewDevice }: Occurrence): OutboxEntry[] {
  const kinds: DeliveryKind[] = [];
  if (isPublished(event)) kinds.push('event');
  if (hasMail(event)) kinds.push('mail');
  const conditions = { ...(oncePerDay !== undefined && { oncePerDay }), ...(ifNewDevice && { ifNewDevice }) };
  return kinds.map((kind) => ({ event, ...conditions, id: newId(), kind }));
}

function auditEntries(newId: NewId, origin: ChangeOrigin, occurrence: Occurrence): AuditEntry[] {
  const event = auditEvent(newId(), occurrence, origin);
  if (event === null) return [];
  const { oncePerDay, auditEach } = occurrence;
  const isLimited = oncePerDay !== undefined && auditEach !== true;
  return [{ ...event, kind: 'audit', ...(isLimited && { oncePerDay }) }];
}

/** The entry of a change that other systems get no event about. */
export function auditOnlyEntry(newId: NewId, change: RecordedChange): AuditEntry {
  return { ...changeEvent(newId(), change), kind: 'audit' };
}
