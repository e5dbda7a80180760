/**
 * Password-grade hashes (argon2id, RFC 9106), as text that names its own parameters. At most a few are made at
 * once, and the networks that ask for them take turns. All methods reject with a {@link Refusal} `unavailable` when
 * too many wait, over all networks or of one `network`.
 */
export interface PasswordHasher {
  hash(password: string, network: string): Promise<string>;

  /** Whether it is the password of the hash. With null it takes the same time and says no: there is no such user. */
  verify(passwordHash: string | null, password: string, network: string): Promise<boolean>;

  /** Whether the hash was made with other parameters than those of today. */
  isOutdated(passwordHash: string): boolean;
}
