import { hasMail, type Occurrence } from '../domain/events.ts';
import type { NewId } from '../ports/new-id.ts';
import type { DeliveryKind, OutboxEntry } from '../ports/stores/outbox.ts';

/** The outbox entries of these occurrences: an event each, and a mail where the user gets one. */
export function outboxEntries(newId: NewId, occurrences: readonly Occurrence[]): OutboxEntry[] {
  return occurrences.flatMap((occurrence) => {
    const kinds: DeliveryKind[] = hasMail(occurrence.event) ? ['event', 'mail'] : ['event'];
    return kinds.map((kind) => ({ ...occurrence, id: newId(), kind }));
  });
}
