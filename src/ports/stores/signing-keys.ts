import type { SigningKey } from '../../domain/key-set.ts';

/** A key as it is kept: only with the key that it is sealed under can it be used, or its public part be told. */
export interface SealedKey extends SigningKey {
  readonly sealed: string;
  /** Set if a key of this id was removed before: the row was put back, and must not be used. */
  readonly wasRemoved?: true;
}

/**
 * The keys that sign access tokens, for all replicas. Every method is atomic.
 *
 * All methods reject with {@link StoreUnavailable} when the database cannot be asked.
 */
export interface SigningKeys {
  /** All of them, by number. */
  list(): Promise<readonly SealedKey[]>;

  /** False, and nothing is stored, if there is a key of this number: of several at once one is first. */
  add(key: SealedKey): Promise<boolean>;

  /** Removes the keys of these ids, and answers which of them were there. */
  remove(ids: readonly string[]): Promise<readonly string[]>;
}
