/** The maximum number of characters of a value in a log line. */
const MAX_QUOTED = 200;

/** A value of a token for a log line. A terminal obeys control characters, and format characters reorder a text. */
export function quote(value: unknown): string {
  return escapeControlCharacters(String(JSON.stringify(value)).slice(0, MAX_QUOTED));
}

/** The maximum number of causes that are followed. A cycle of causes has no innermost cause. */
const MAX_CAUSES = 10;

/** The message of the innermost cause in brackets. The error of `fetch` itself says no more than "fetch failed". */
export function describeCause(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  let innermost = cause;
  // The cause of an error of jose is no error, but the claims, which are personal data.
  for (let n = 1; n < MAX_CAUSES && innermost.cause instanceof Error; n += 1) innermost = innermost.cause;
  // A connection that fails at every address of a host has an empty message and a code.
  const { code } = innermost as { code?: unknown };
  return ` (${escapeControlCharacters((innermost.message || String(code)).slice(0, MAX_QUOTED))})`;
}

function escapeControlCharacters(text: string): string {
  return text.replace(/\p{C}/gu, (hidden) => `\\u{${hidden.codePointAt(0)?.toString(16)}}`);
}
