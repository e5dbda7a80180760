/** Who shows a password: for which account, and from which network (see `networkOf`). */
export interface AttemptSubject {
  readonly account: string;
  readonly network: string;
}

/** `retryAfter`: whole seconds. */
export type AttemptVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly retryAfter: number };

export interface Limit {
  readonly count: number;
  readonly perMilliseconds: number;
}

/**
 * Counts of attempts, so that passwords cannot be guessed. Every method is atomic: of many at once only as many are
 * allowed as one after another. Times in milliseconds.
 */
export interface Attempts {
  /**
   * To be asked before a password is verified. Counts as a failure until `succeeded` is called. An account at a
   * network where a login succeeded before has a count of its own, which failures elsewhere do not touch: so its
   * owner is not locked out by others.
   */
  begin(subject: AttemptSubject, now: number): Promise<AttemptVerdict>;

  /** It was the right password: its count is cleared, and the network is remembered as a good one. */
  succeeded(subject: AttemptSubject, now: number): Promise<void>;

  /** One of a limited number of deeds in a span of time. */
  take(key: string, limit: Limit, now: number): Promise<{ allowed: boolean; retryAfter: number }>;
}
