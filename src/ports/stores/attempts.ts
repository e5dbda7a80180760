import type { AttemptVerdict, RaisedCounts } from '../../domain/attempts.ts';
import type { Limit, LimitVerdict } from '../../domain/rate-limit.ts';

/** The subject of an attempt: its account, its identifier and its network (see `networkOf`). */
export interface AttemptSubject {
  /** The id of the account; the identifier if no account exists. */
  readonly account: string;
  readonly identifier: string;
  readonly network: string;
}

/** An attempt that `begin` allowed. */
export interface AllowedAttempt {
  readonly allowed: true;
  /** The counts that the attempt raised. Null: it raised none, or they are not known. */
  readonly raised: RaisedCounts | null;
  /** The same for a second store, which counts the attempt too. */
  readonly raisedByFallback?: RaisedCounts | null;
}

export type AttemptAnswer = AllowedAttempt | Extract<AttemptVerdict, { allowed: false }>;

/** An account whose owner has set a new password by a mailed link. */
export interface RecoveredAccount {
  readonly account: string;
  /** The names with which the owner logs in, and the id with which passwords of signed-in users are counted. */
  readonly identifiers: readonly string[];
  readonly network: string;
}

/** An action that `countAction` allowed: its key, and the `now` of that call. */
export interface CountedAction {
  readonly key: string;
  readonly at: number;
}

/**
 * Counts attempts, so that neither passwords nor proofs of a second factor can be guessed. Also counts other actions.
 * Every method is atomic: concurrent attempts are allowed no more often than sequential ones. `now` is in milliseconds.
 * Rejects with {@link StoreUnavailable} within about a second if the counts cannot be reached; the attempt may then
 * have been counted or not.
 */
export interface Attempts {
  /**
   * Must be called before the password or the proof is verified. Follows `beginAttempt`: an allowed attempt counts as a
   * failure until `recordSuccess` is called. An account at a network of an earlier login has its own count there.
   * Failures from other networks do not change that count, so they cannot lock the owner out.
   */
  begin(subject: AttemptSubject, now: number): Promise<AttemptAnswer>;

  /**
   * Records that the password or the proof was right, after `begin` allowed the attempt: see `succeedAttempt`. Takes
   * back exactly what the attempt raised, also if another login has made the network known meanwhile.
   */
  recordSuccess(subject: AttemptSubject, now: number, attempt: AllowedAttempt): Promise<void>;

  /**
   * Records that the owner has set a new password by a mailed link. The account becomes known at the network, as after
   * a login. The failures of its identifiers are forgotten at all networks. So neither guesses nor the owner's mistakes
   * delay the owner. The counts of networks stay: they delay the owner only at a network that is not known.
   */
  recordRecovery(owner: RecoveredAccount, now: number): Promise<void>;

  /**
   * Counts one action against its limit. A refused action does not count. The key is the name of the action, a space
   * and the subject of the action. The name is one constant word.
   */
  countAction(key: string, limit: Limit, now: number): Promise<LimitVerdict>;

  /** Takes back an action that `countAction` allowed, because the action was not carried out. */
  uncountAction(action: CountedAction): Promise<void>;
}
