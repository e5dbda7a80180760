/**
 * Password hashes (argon2id, RFC 9106), as text that includes the parameters. Only a few hashes run concurrently, and
 * the waiting networks take turns. `hash` and `verify` reject with a {@link Refusal} `unavailable` if too many calls
 * wait, over all networks or for one `network`.
 */
export interface PasswordHasher {
  hash(password: string, network: string): Promise<string>;

  /** Whether the password matches the hash. With null (an unknown user) it takes the same time and returns false. */
  verify(passwordHash: string | null, password: string, network: string): Promise<boolean>;

  /** Whether the hash was made with other parameters than the current ones. */
  isOutdated(passwordHash: string): boolean;
}
