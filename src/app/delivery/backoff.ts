/** All in milliseconds. */
export interface Backoff {
  readonly first: number;
  readonly longest: number;
}

/**
 * The delay after an attempt (1 is the first), drawn evenly from a span that doubles up to `longest`. The randomness
 * keeps entries that failed together from being retried together. `random` returns numbers in [0, 1).
 */
export function delayAfter(attempt: number, { first, longest }: Backoff, random: () => number): number {
  return Math.round(random() * Math.min(longest, first * 2 ** (attempt - 1)));
}
