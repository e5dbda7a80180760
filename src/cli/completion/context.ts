/** A word that may follow, and what it means. */
export interface Word {
  readonly text: string;
  readonly description: string;
}

/** What may follow one command, or one option with a value. */
export interface CompletionContext {
  /** The command with its parents, such as `kinship keys`, and then the option, such as `--only`. */
  readonly path: string;
  readonly words: readonly Word[];
  /** Which names in the file system may follow; null for none. */
  readonly names: 'files' | 'folders' | null;
}

/** The contexts of all commands, and of all options that take a value. */
export interface CompletionContexts {
  /** The commands that need a subcommand. Nothing can follow an unknown one. */
  readonly groups: readonly CompletionContext[];
  readonly commands: readonly CompletionContext[];
  readonly options: readonly CompletionContext[];
}

/** A pattern for `case` in a shell script. It matches the path of any context. */
export function pathPattern(contexts: readonly CompletionContext[]): string {
  return contexts.map(({ path }) => `'${path}'`).join('|');
}
