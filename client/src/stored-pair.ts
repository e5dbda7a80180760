import type { TokenPair } from './types.js';

/** A pair as it is stored. */
export interface StoredPair extends TokenPair {
  /**
   * Time of the request for the pair, in milliseconds by this machine's clock. The value is a hint, because the clock
   * may be changed.
   */
  readonly at: number;
  /** The `Idempotency-Key` of an exchange that was started with this pair and whose answer is not stored yet. */
  readonly key?: string;
  /** The path of that exchange if it is a step-up. */
  readonly path?: string | undefined;
}

/** Parses the pair in a storage entry. An entry without a valid pair counts as signed out, and a login replaces it. */
export function parseStoredPair(entry: string | null): StoredPair | null {
  const stored = Object(parseJson(entry ?? '')) as Partial<StoredPair>;
  return stored.refresh ? (stored as StoredPair) : null;
}

/** Parses JSON text; undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
