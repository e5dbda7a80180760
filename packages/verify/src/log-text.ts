/** The maximum number of characters of a value in a log line. */
const MAX_QUOTED = 200;

/** A value of a token for a log line. A terminal obeys control characters, and format characters reorder a text. */
export function quote(value: unknown): string {
  return escapeControlCharacters(String(JSON.stringify(value)).slice(0, MAX_QUOTED));
}

/** The message of the innermost cause in brackets. The error of `fetch` itself says no more than "fetch failed". */
export function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  // The cause of an error of jose is no error, but the claims, which are personal data.
  if (cause.cause instanceof Error) return describeCause(cause.cause);
  // A connection that fails at every address of a host has an empty message and a code.
  const { code } = cause as { code?: unknown };
  return ` (${escapeControlCharacters((cause.message || String(code)).slice(0, MAX_QUOTED))})`;
}

function escapeControlCharacters(text: string): string {
  return text.replace(/\p{C}/gu, (hidden) => `\\u{${hidden.codePointAt(0)?.toString(16)}}`);
}
