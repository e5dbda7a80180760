/** Makes the values of the cookies of account pages, and their stored hashes. */
export interface PageSecrets {
  /** A new value of 256 random bits, base64url. */
  create(): string;

  /** The keyed hashes of a value, base64url: one under each hash key, that of the newest key first. */
  hash(secret: string): [string, ...string[]];
}
