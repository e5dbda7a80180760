/**
 * The secrets of links in mails, derived from ids under keys of their own when a mail is sent: nothing that the
 * database or the outbox holds opens one.
 */
export interface LinkSecrets {
  /** The secret of a link that sets a new password. */
  reset(resetId: string): string;

  /** What is kept of it, base64url. */
  hashReset(secret: string): string;

  /** A signed token by which one session can be ended until `expiresAt` (milliseconds). */
  notMe(sessionId: string, userId: string, expiresAt: number): string;

  /** Whose session such a token ends, or null if it is not ours or has expired at `now`. */
  readNotMe(token: string, now: number): { readonly sessionId: string; readonly userId: string } | null;
}
