import { isUuid } from '../domain/user-id.ts';

/** A session id in the form in which it is stored. Throws if the text is no UUID. */
export function readSessionId(text: string): string {
  if (isUuid(text)) return text.toLowerCase();
  throw new Error(
    `"${text}" is no session id. It is a UUID: the claim "sid" of the session's access tokens.`,
  );
}
