/** One-time codes, each of which replaces a second factor once. */
export interface RecoveryCodes {
  /** New random codes of 120 bits, in the form in which the user sees them. */
  make(count: number): readonly string[];

  /** The stored form of a code, base64url. Letter case, spaces and hyphens do not matter. */
  hash(userId: string, code: string): string;
}
