/** All in milliseconds. */
export interface Backoff {
  readonly first: number;
  readonly longest: number;
}

/**
 * A random delay after an attempt (1 is the first). Its limit is `first`, and doubles with each attempt up to
 * `longest`. Entries that failed together are therefore not retried together. `random` returns numbers in [0, 1).
 */
export function delayAfter(attempt: number, { first, longest }: Backoff, random: () => number): number {
  return Math.round(random() * Math.min(longest, first * 2 ** (attempt - 1)));
}
