/** Something that a user has written down. */
export interface Task {
  readonly id: number;
  /** The name of the account that it belongs to. */
  readonly author: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
}

const LONGEST_TEXT = 200;

/** How many tasks or users a list of all of them shows: the newest. */
export const LONGEST_LIST = 1_000;

/** What is wrong with the text of a task, in a sentence, or null. Lengths are in characters, not in UTF-16 units. */
export function taskFault(text: string): string | null {
  const length = [...text].length;
  return length >= 1 && length <= LONGEST_TEXT ? null : `body/text must be 1 to ${LONGEST_TEXT} characters.`;
}
