import type { AttemptVerdict, Limit, Taking } from '../../domain/attempts.ts';

/** Who shows a password: for which account, by which identifier, and from which network (see `networkOf`). */
export interface AttemptSubject {
  /** The id of the account; the identifier where there is no account. */
  readonly account: string;
  readonly identifier: string;
  readonly network: string;
}

/** An account whose owner has proved themselves without its password. */
export interface RecoveredAccount {
  readonly account: string;
  readonly identifiers: readonly string[];
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
   * until `succeeded` is called. An account at a network where a login succeeded before has counts of its own,
   * which failures of others do not touch: so its owner is not locked out by them.
   */
  begin(subject: AttemptSubject, now: number): Promise<AttemptVerdict>;

  /** It was the right password, after a `begin` that allowed it: see `succeedAttempt`. */
  succeeded(subject: AttemptSubject, now: number): Promise<void>;

  /**
   * The owner has set a new password by a link in a mail: the account is known at the network, as after a login, and
   * the failures of its identifiers are forgotten, so that guesses at the old password keep the owner out nowhere.
   */
  recovered(owner: RecoveredAccount, now: number): Promise<void>;

  /**
   * One of a limited number of deeds in any span of time. One that is refused does not count. The key names the deed,
   * in a word of our own, and then whose it is.
   */
  take(key: string, limit: Limit, now: number): Promise<Taking>;
}
