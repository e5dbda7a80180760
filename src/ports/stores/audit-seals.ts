import type { AuditEvent } from '../../domain/audit.ts';
import type { Seal, SealHead, SealMark } from '../../domain/audit-seal.ts';

/** The seals of the audit log. All methods reject with {@link StoreUnavailable} when the database is unavailable. */
export interface AuditSeals {
  /** Up to `limit` committed events without a seal, whatever their time. */
  listUnsealed(limit: number): Promise<readonly AuditEvent[]>;

  /** The last seal. If no seal is stored, the last seal that the purge removed. Null if there never was a seal. */
  findHead(): Promise<SealHead | null>;

  /**
   * Stores a seal and marks its events as sealed. False, and nothing changes, if the number is taken or an event was
   * sealed meanwhile: another replica was first.
   */
  append(seal: Seal): Promise<boolean>;

  /** Up to `limit` seals with numbers after `after`, in the order of their numbers. */
  list(after: number, limit: number): Promise<readonly Seal[]>;

  /** The stored events of a seal. */
  listEvents(number: number): Promise<readonly AuditEvent[]>;

  /** An event that names a seal which does not exist; null without such an event. */
  findStray(): Promise<{ readonly id: string; readonly seal: number } | null>;

  /** The mark that the last purge left; null before the first purge. */
  findMark(): Promise<SealMark | null>;

  /** Removes all seals up to `mark.removed`, with their events. Stores the mark in place of an earlier one. */
  purge(mark: SealMark): Promise<void>;
}
