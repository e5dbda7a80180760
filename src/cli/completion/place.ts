/** A word that may follow, and what it means. */
export interface Word {
  readonly text: string;
  readonly description: string;
}

/** What may follow one command. */
export interface Place {
  /** The command with its parents, such as `kinship keys`. */
  readonly path: string;
  readonly words: readonly Word[];
  /** Options whose value is a folder. */
  readonly folderOptions: readonly string[];
}
