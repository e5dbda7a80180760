/** Escapes of JSON that stand for a control character other than tab and newline, and escaped backslashes. */
const ESCAPES = /\\(?:\\|u00(?=[01])|[bfr])/g;

/** Control characters that JSON leaves as they are. */
const UNESCAPED = /[\u007f-\u009f]/g;

/**
 * A line of JSON whose strings hold no control characters once they are parsed, but their escapes. A terminal would
 * obey the characters, and texts such as an error of another server come from outside.
 */
export function escapeControls(line: string): string {
  return line
    .replace(ESCAPES, (found) => (found === '\\\\' ? found : `\\${found}`))
    .replace(UNESCAPED, (control) => `\\\\x${control.charCodeAt(0).toString(16)}`);
}
