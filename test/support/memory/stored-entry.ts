import type { AuditEvent } from '../../../src/domain/audit.ts';
import type { TokenFamily } from '../../../src/domain/token-family.ts';
import type { User } from '../../../src/domain/user.ts';
import type { AuditEntry } from '../../../src/ports/stores/audit-log.ts';
import type { ChangeEntry } from '../../../src/ports/stores/change-entry.ts';
import type { ClaimedEntry, OutboxEntry } from '../../../src/ports/stores/outbox.ts';

/** An entry of the outbox in memory. */
export interface StoredEntry extends OutboxEntry {
  readonly contact: string | null;
  attempts: number;
  dueAt: number;
  deadLettered: boolean;
  isUnroutable: boolean;
  isCounted: boolean;
  /** Set while the entry waits for the digest of this recipient. */
  heldFor?: string;
}

/** What changes record in memory. */
export interface Records {
  readonly outbox: Map<string, StoredEntry>;
  readonly audit: Map<string, AuditEvent>;
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

/** Records entries about an account. `user` is null if the user id has no account. */
export function recordAbout(
  records: Records,
  user: Pick<User, 'email'> | null,
  entries: readonly ChangeEntry[],
): void {
  if (entries.some(({ id }) => records.outbox.has(id) || records.audit.has(id)))
    throw new Error('An entry with this id already exists.');
  for (const entry of entries)
    recordEntry(records, entry, { contact: user?.email ?? null, generation: null });
}

/** Records one entry of a change. */
export function recordEntry(
  { outbox, audit }: Records,
  entry: ChangeEntry,
  { contact, generation }: Pick<TokenFamily, 'contact'> & Pick<AuditEvent, 'generation'>,
): void {
  if (entry.kind === 'audit') {
    audit.set(entry.id, { ...toEvent(entry), generation });
  } else {
    const dueAt = entry.event.occurredAt;
    outbox.set(entry.id, {
      ...structuredClone(entry),
      contact,
      attempts: 0,
      dueAt,
      deadLettered: false,
      isUnroutable: false,
      isCounted: false,
    });
  }
}

function toEvent({ kind: _kind, oncePerDay: _oncePerDay, ...event }: AuditEntry) {
  return structuredClone(event);
}
