/** Time-based one-time passwords (RFC 6238): 6 digits, 30 seconds, one step of drift. */
export interface Totp {
  /** A new random secret, base32. */
  newSecret(): string;

  /** The URI that an authenticator app reads. It contains the secret and the name of the account. */
  uriOf(secret: string, account: string): string;

  /** The time step of a code that is valid at `now` (milliseconds); null for a wrong code. */
  stepOf(secret: string, code: string, now: number): number | null;
}
