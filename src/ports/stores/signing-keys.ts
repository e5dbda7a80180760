import type { SigningKey } from '../../domain/key-set.ts';
import type { AuditEntry } from './audit-log.ts';

/** A stored signing key. Both its private and its public part can be read only with the sealing key. */
export interface SealedKey extends SigningKey {
  readonly sealed: string;
  /** Set if a key with this id was removed before: the row was restored, and must not be used. */
  readonly wasRemoved?: true;
}

/**
 * The store of the keys that sign access tokens, shared by all replicas. Every method is atomic. A change and the
 * entries given with it commit together. The fact `kid` of an entry names its key. The entry of a key that does not
 * change is not recorded.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface SigningKeys {
  /** All keys, ordered by number. */
  list(): Promise<readonly SealedKey[]>;

  /** False, and nothing is stored, if a key with this number exists. Of concurrent calls only one succeeds. */
  add(key: SealedKey, entries: readonly AuditEntry[]): Promise<boolean>;

  /** Removes the keys with these ids, and returns the ids that existed. */
  remove(ids: readonly string[], entries: readonly AuditEntry[]): Promise<readonly string[]>;
}
