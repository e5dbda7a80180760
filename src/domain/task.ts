/** A short text that belongs to one user. */
export interface Task {
  readonly id: number;
  /** The username of the task's owner. */
  readonly author: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
}

const LONGEST_TEXT = 200;

/** The maximum number of tasks or users in a list; the newest come first. */
export const LONGEST_LIST = 1_000;

/** Why the text is not valid for a task, as a sentence; null if valid. Lengths count code points, not UTF-16 units. */
export function taskFault(text: string): string | null {
  const length = [...text].length;
  return length >= 1 && length <= LONGEST_TEXT ? null : `body/text must be 1 to ${LONGEST_TEXT} characters.`;
}
