/** Escapes of JSON that stand for a control character other than tab and newline, and escaped backslashes. */
const ESCAPES = /\\(?:\\|u00(?=[01])|[bfr])/g;

/** Control characters that JSON leaves as they are. */
const UNESCAPED = /[\u007f-\u009f]/g;

/**
 * Replaces control characters in a line of JSON: its parsed strings then contain escapes such as `\u001b`
 * instead. A terminal would execute control characters, and a text such as an error of another server may
 * contain them.
 */
export function escapeControls(line: string): string {
  return line
    .replace(ESCAPES, (found) => (found === '\\\\' ? found : `\\${found}`))
    .replace(UNESCAPED, (control) => `\\\\x${control.charCodeAt(0).toString(16)}`);
}
