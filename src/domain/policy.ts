/** What a change of the client's address or agent means to a session. */
export type ChangePolicy = 'notify' | 'block' | 'ignore';

/** What the operator decided about every session. All times in milliseconds. */
export interface Policy {
  readonly accessTokenAge: number;
  readonly refreshTokenAge: number;
  /** A session ends this long after its login, however often it is refreshed. */
  readonly sessionMaxAge: number;
  /** How many sessions of one user may live at a time: one more ends the least recently refreshed one. */
  readonly sessionsPerUser: number;
  /** How long after a rotation the same client may ask for the same pair again without a key; 0: never. */
  readonly retryWindow: number;
  /** What the clocks of two replicas may differ by. */
  readonly clockSkew: number;
  readonly onAddressChange: ChangePolicy;
  readonly onUserAgentChange: ChangePolicy;
}
