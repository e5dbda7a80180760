import type { User } from '../../../src/domain/user.ts';
import type { ClaimedEntry, OutboxEntry } from '../../../src/ports/stores/outbox.ts';

/** An entry of the outbox in memory. */
export interface StoredEntry extends OutboxEntry {
  readonly contact: string | null;
  attempts: number;
  dueAt: number;
  deadLettered: boolean;
  /** Set while the entry waits for the digest of this recipient. */
  heldFor?: string;
}

/** Leases each entry for one attempt. */
export function claimEach(entries: readonly StoredEntry[], leasedUntil: number): ClaimedEntry[] {
  return entries.map((entry) => {
    entry.attempts += 1;
    entry.dueAt = leasedUntil;
    const { id, event, contact, attempts } = entry;
    return { id, event: structuredClone(event), contact, trace: null, attempt: attempts };
  });
}

/** Records entries about an account. */
export function recordAbout(
  outbox: Map<string, StoredEntry>,
  user: User,
  entries: readonly OutboxEntry[],
): void {
  for (const entry of entries) {
    const dueAt = entry.event.occurredAt;
    const stored = {
      ...structuredClone(entry),
      contact: user.email,
      attempts: 0,
      dueAt,
      deadLettered: false,
    };
    outbox.set(entry.id, stored);
  }
}
