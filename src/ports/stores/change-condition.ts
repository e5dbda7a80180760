/**
 * The condition of a sensitive change of an account. The store locks the account, its state and the session first. It
 * compares them with the condition in the transaction of the change. So a new password or the end of the session also
 * stops a change that was authorized before. A store takes null for a change by an operator, which has no condition.
 */
export interface ChangeCondition {
  /** The security version that the account had before the request was authorized: see {@link SecondFactors}. */
  readonly securityVersion: string;
  /** The session of the request. It must belong to the user, and must be live at `now` ({@link isLive}). */
  readonly sessionId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}
