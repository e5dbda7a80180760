/**
 * Derives the secrets of links in mails from ids, under separate keys, when a mail is sent. No value in the database
 * or the outbox can be used as a link.
 */
export interface LinkSecrets {
  /** The secret of a password-reset link. */
  reset(resetId: string): string;

  /** The stored hash of a reset secret, base64url. */
  hashReset(secret: string): string;

  /** A signed token that can end one session until `expiresAt` (milliseconds). */
  notMe(sessionId: string, userId: string, expiresAt: number): string;

  /** The session of a `notMe` token; null if the token is not valid or has expired at `now` (milliseconds). */
  readNotMe(token: string, now: number): { readonly sessionId: string; readonly userId: string } | null;
}
