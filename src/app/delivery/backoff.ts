/** All in milliseconds. */
export interface Backoff {
  readonly first: number;
  readonly longest: number;
}

/**
 * How long to wait after an attempt (1 is the first): drawn evenly from a span that doubles with each up to the
 * longest, so that what failed together does not come back together. `random` is evenly from 0 up to 1.
 */
export function delayAfter(attempt: number, { first, longest }: Backoff, random: () => number): number {
  return Math.round(random() * Math.min(longest, first * 2 ** (attempt - 1)));
}
