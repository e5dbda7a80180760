/** A word that may follow, and what it means. */
export interface Word {
  readonly text: string;
  readonly description: string;
}

/** What may follow one command. */
export interface CompletionContext {
  /** The command with its parents, such as `kinship keys`. */
  readonly path: string;
  readonly words: readonly Word[];
  /** Options whose value is a folder. */
  readonly folderOptions: readonly string[];
}

/** A pattern for `case` in a shell script. It matches the path of any command. */
export function pathPattern(contexts: readonly CompletionContext[]): string {
  return contexts.map(({ path }) => `'${path}'`).join('|');
}

/** The pattern that matches a path and an option of it whose value is a folder. */
export function folderOptionPattern(contexts: readonly CompletionContext[]): string {
  return contexts
    .flatMap(({ path, folderOptions }) => folderOptions.map((option) => `'${path} ${option}'`))
    .join('|');
}
