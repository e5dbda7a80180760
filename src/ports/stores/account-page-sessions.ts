import type { TokenFamily } from '../../domain/token-family.ts';

/** The cookie of a signed-in account page. A step-up replaces it: see {@link StepUp}. */
export interface AccountPageSession {
  /** Keyed hash of the cookie's value, base64url. */
  readonly hashedToken: string;
  /** The family that is the session of the page. No client holds a token of it. */
  readonly tokenFamily: string;
}

/**
 * The sessions of account pages. Such a session is a token family of which no client holds a token. Its idle expiry is
 * the family's `refreshExpiresAt`. So the list and the limit of sessions count it like any other session.
 *
 * The session has no state of its own: {@link AccountPageSessions.find} reads the row of the family. So a transaction
 * that revokes or removes the family also ends the session of the page. No use case needs an extra check. The row of a
 * cookie is removed with its family: see {@link TokenFamilies.purge}.
 *
 * All times in milliseconds. All methods reject with {@link StoreUnavailable} when the database is unavailable.
 */
export interface AccountPageSessions {
  /**
   * Stores the cookie of a family that has none. The same call again changes nothing. Rejects if the family does not
   * exist.
   */
  addCookie(session: AccountPageSession): Promise<void>;

  /**
   * The family whose cookie has one of these hashes, as last committed. Null without such a family, or if the family
   * is revoked or expired at `now`.
   */
  find(hashedTokens: readonly [string, ...string[]], now: number): Promise<TokenFamily | null>;

  /**
   * Moves the idle expiry of a page's session to `idleUntil`, and records `at` as its last use. False, and nothing
   * changes, if the session is revoked, has expired at `at`, or belongs to no page. No time moves backwards.
   */
  keepAlive(tokenFamily: string, at: number, idleUntil: number): Promise<boolean>;
}
