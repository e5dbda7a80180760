/** Matches escaped backslashes, and the JSON escapes of control characters other than tab and newline. */
const ESCAPES = /\\(?:\\|u00(?=[01])|[bfr])/g;

/** Control characters that JSON leaves as they are. */
const UNESCAPED = /[\u007f-\u009f]/g;

/**
 * Replaces control characters in a line of JSON. The parsed line then contains a text such as `\u001b` instead of the
 * character. A terminal would execute control characters, and an error text of another server may contain them.
 */
export function escapeControls(line: string): string {
  return line
    .replace(ESCAPES, (found) => (found === '\\\\' ? found : `\\${found}`))
    .replace(UNESCAPED, (control) => `\\\\x${control.charCodeAt(0).toString(16)}`);
}
