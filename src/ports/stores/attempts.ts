import type { AttemptVerdict, Limit, Taking } from '../../domain/attempts.ts';

/** Who shows a password: for which account, and from which network (see `networkOf`). */
export interface AttemptSubject {
  readonly account: string;
  readonly network: string;
}

/**
 * Counts of attempts, so that passwords cannot be guessed. Every method is atomic: of many at once only as many are
 * allowed as one after another. `now` is in milliseconds. Rejects with a {@link StoreUnavailable} within a second or
 * so if the counts cannot be reached; what was asked may then have been counted or not.
 */
export interface Attempts {
  /**
   * To be asked before a password is verified, by the rule of `beginAttempt`: what it allows counts as a failure
   * until `succeeded` is called. An account at a network where a login succeeded before has a count of its own,
   * which failures of others do not touch: so its owner is not locked out by them.
   */
  begin(subject: AttemptSubject, now: number): Promise<AttemptVerdict>;

  /** It was the right password, after a `begin` that allowed it: see `succeedAttempt`. */
  succeeded(subject: AttemptSubject, now: number): Promise<void>;

  /**
   * One of a limited number of deeds in any span of time. One that is refused does not count. The key names the deed,
   * in a word of our own, and then whose it is.
   */
  take(key: string, limit: Limit, now: number): Promise<Taking>;
}
