/**
 * Verifies the password hashes of some algorithms. A hash is text that names its algorithm and parameters. All hashes
 * of one kind cost the same time.
 */
export interface HashVerifier {
  /**
   * The kind of a hash, such as `bcrypt-12`. Null if the verifier does not read it, or its parameters are out of
   * bounds.
   */
  kindOf(passwordHash: string): string | null;

  /** Whether the password, taken as it is, matches a hash that has a kind. */
  verify(passwordHash: string, password: string): Promise<boolean>;
}
