/**
 * Password hashes, as text that includes the parameters. New hashes are argon2id (RFC 9106). Hashes of other systems
 * can be verified: see {@link HashVerifier}. Passwords are given as they were typed. Only a few hashes run
 * concurrently, and the waiting networks take turns. `hash` and `verify` reject with a {@link Refusal} `unavailable` if
 * too many calls wait, over all networks or for one `network`.
 */
export interface PasswordHasher {
  /** Hashes the password in normalized form. */
  hash(password: string, network: string): Promise<string>;

  /**
   * Whether the password matches the hash, as it was typed or in normalized form. A result of false takes at least as
   * long as the slowest hash function in use. That also holds for null (unknown user) and for text that is not a hash
   * (no password).
   */
  verify(passwordHash: string | null, password: string, network: string): Promise<boolean>;

  /** Whether the hash is of another algorithm than the current one, or has other parameters. */
  isOutdated(passwordHash: string): boolean;
}
