import type { TokenPair } from './types.js';

/** A pair as it is stored. */
export interface Kept extends TokenPair {
  /** When it was asked for, in milliseconds by this machine's clock: a hint, for clocks are set. */
  readonly at: number;
  /** The `Idempotency-Key` of the refresh that was begun with this pair and whose answer is not stored yet. */
  readonly key?: string;
}

/** The pair in a storage entry. An entry that holds no pair counts as none: logging in replaces it. */
export function parseKept(entry: string | null): Kept | null {
  const kept = Object(parseJson(entry ?? '')) as Partial<Kept>;
  return kept.refresh ? (kept as Kept) : null;
}

/** The value of a JSON text, or undefined for any other text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
