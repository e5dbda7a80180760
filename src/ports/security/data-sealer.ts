/** Text that is sealed for one row of the database. The text and the id of the row are authenticated together. */
export interface SealedText {
  readonly rowId: string;
  readonly sealed: string;
}

/** Seals secrets that the database stores. The key is not in the database. */
export interface DataSealer {
  /** Seals under the newest key. */
  seal(rowId: string, text: string): Promise<string>;

  /**
   * Rejects with a {@link Refusal} `unavailable` if the key is not configured, or if the text was altered or belongs to
   * another row.
   */
  open(secret: SealedText): Promise<string>;

  /** Whether the newest key sealed the text. */
  isSealedByNewest(sealed: string): boolean;
}
