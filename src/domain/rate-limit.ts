/** At most `count` actions in any span of `perMilliseconds`. */
export interface Limit {
  readonly count: number;
  readonly perMilliseconds: number;
}

/** `retryAfter`: whole seconds, at least 1 if refused, otherwise 0. `remaining`: actions still allowed now. */
export interface LimitVerdict {
  readonly allowed: boolean;
  readonly remaining: number;
  readonly retryAfter: number;
}

/** Judges one more action from the times of the allowed ones, oldest first. Also returns the times that still count. */
export function countAction(
  times: readonly number[],
  { count, perMilliseconds }: Limit,
  now: number,
): { readonly verdict: LimitVerdict; readonly times: readonly number[] } {
  const recent = times.filter((time) => now - time < perMilliseconds);
  if (recent.length < count) {
    const verdict: LimitVerdict = { allowed: true, remaining: count - recent.length - 1, retryAfter: 0 };
    return { verdict, times: [...recent, now] };
  }
  const leaving = recent[recent.length - count] ?? now;
  const wait = Math.min(leaving, now) + perMilliseconds - now;
  return { verdict: { allowed: false, remaining: 0, retryAfter: ceilSeconds(wait) }, times: recent };
}

/** The times without one action that was counted `at`. */
export function uncountAction(times: readonly number[], at: number): readonly number[] {
  const index = times.lastIndexOf(at);
  return index === -1 ? times : times.toSpliced(index, 1);
}

/** Milliseconds as whole seconds, rounded up. */
export function ceilSeconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000);
}
