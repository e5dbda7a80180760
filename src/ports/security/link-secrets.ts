/** One session of a user; all sessions where `sessionId` is null. */
export interface EndableSessions {
  readonly sessionId: string | null;
  readonly userId: string;
}

/**
 * Derives the secrets of links in mails from ids, under separate keys, when a mail is sent. No value in the database
 * or the outbox can be used as a link.
 */
export interface LinkSecrets {
  /**
   * The id of a new link, for this UUID. It names the newest key. So the secret in the mail is made under the same key
   * as the stored hash, even if a newer key is configured before the mail is sent.
   */
  makeLinkId(uuid: string): string;

  /** The secret of a password-reset link. */
  makeResetSecret(resetId: string): string;

  /** The secret of a link about an address: see `EmailLinks`. */
  makeAddressSecret(linkId: string): string;

  /** The stored hash of the secret of a reset link or an address link, base64url. */
  hashSecret(secret: string): string;

  /**
   * A signed token that can end one session of a user until `expiresAt` (milliseconds). With `sessionId` null it can
   * end all sessions of the user.
   */
  makeNotMeToken(sessionId: string | null, userId: string, expiresAt: number): string;

  /**
   * What a token of {@link LinkSecrets.makeNotMeToken} can end; null if the token is not valid or has expired at `now`
   * (milliseconds).
   */
  readNotMeToken(token: string, now: number): EndableSessions | null;
}
