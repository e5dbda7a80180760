/** Line ends that JSON does not escape. Many programs that read lines split at them. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g;

/** A value as one line of JSON, with its line end. Text within the value cannot begin another line. */
export function jsonLine(value: object): string {
  const text = JSON.stringify(value).replace(
    LINE_ENDS,
    (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}
