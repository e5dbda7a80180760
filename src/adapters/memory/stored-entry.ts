import type { ClaimedEntry, OutboxEntry } from '../../ports/stores/outbox.ts';

/** An entry of the outbox in memory. */
export interface StoredEntry extends OutboxEntry {
  readonly contact: string | null;
  attempts: number;
  dueAt: number;
  buried: boolean;
  /** The recipient whose digest it waits for. */
  heldFor?: string;
}

/** Leases entries for one attempt each. */
export function claimEach(entries: readonly StoredEntry[], leasedUntil: number): ClaimedEntry[] {
  return entries.map((entry) => {
    entry.attempts += 1;
    entry.dueAt = leasedUntil;
    const { id, event, contact, attempts } = entry;
    return { id, event: structuredClone(event), contact, trace: null, attempt: attempts };
  });
}
