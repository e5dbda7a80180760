import type { SigningKey } from '../../domain/key-set.ts';

/** A stored signing key. Both its private and its public part can be read only with the sealing key. */
export interface SealedKey extends SigningKey {
  readonly sealed: string;
  /** Set if a key with this id was removed before: the row was restored, and must not be used. */
  readonly wasRemoved?: true;
}

/**
 * The store of the keys that sign access tokens, shared by all replicas. Every method is atomic.
 *
 * All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface SigningKeys {
  /** All keys, ordered by number. */
  list(): Promise<readonly SealedKey[]>;

  /** False, and nothing is stored, if a key with this number exists. Of concurrent calls only one succeeds. */
  add(key: SealedKey): Promise<boolean>;

  /** Removes the keys with these ids, and returns the ids that existed. */
  remove(ids: readonly string[]): Promise<readonly string[]>;
}
