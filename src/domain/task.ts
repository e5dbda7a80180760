/** A short text that belongs to one user. */
export interface Task {
  readonly id: number;
  /** The username of the task's owner. */
  readonly author: string;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
}

const MAX_TEXT_LENGTH = 200;

/** The maximum number of tasks or users in a list; the newest come first. */
export const MAX_LIST_LENGTH = 1_000;

/** Why the text is not valid for a task, as a sentence; null if valid. Lengths count code points, not UTF-16 units. */
export function taskFault(text: string): string | null {
  const length = [...text].length;
  return length >= 1 && length <= MAX_TEXT_LENGTH
    ? null
    : `The text must be 1 to ${MAX_TEXT_LENGTH} characters.`;
}
