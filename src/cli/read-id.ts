import { isUuid } from '../domain/user-id.ts';

/** An id in the form in which it is stored. Throws if the text is no UUID. */
export function readId(text: string): string {
  if (!isUuid(text)) throw new Error(`${text} is no UUID.`);
  return text.toLowerCase();
}
