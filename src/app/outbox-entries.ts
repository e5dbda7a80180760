import { hasMail, isPublished, type Occurrence } from '../domain/events.ts';
import type { NewId } from '../ports/new-id.ts';
import type { DeliveryKind, OutboxEntry } from '../ports/stores/outbox.ts';

/** The outbox entries of these occurrences: an event where other systems get one, and a mail where the user gets one. */
export function outboxEntries(newId: NewId, occurrences: readonly Occurrence[]): OutboxEntry[] {
  return occurrences.flatMap((occurrence) => {
    const kinds: DeliveryKind[] = [];
    if (isPublished(occurrence.event)) kinds.push('event');
    if (hasMail(occurrence.event)) kinds.push('mail');
    return kinds.map((kind) => ({ ...occurrence, id: newId(), kind }));
  });
}
