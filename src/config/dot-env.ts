import { parseEnv } from 'node:util';
import type { MessageCollector } from './values.ts';

/** The start of an assignment, up to the first character of its value. */
const ASSIGNMENT = /^\s*(?:export\s+)?([\w.-]+)\s*=[^\S\n]*/;

const BLANK_OR_COMMENT = /^\s*(?:#|$)/;

/**
 * Parses the text of a `.env` file. A line that is no assignment, or whose quote does not end on the same line, has no
 * effect and causes a warning. Node's parser alone would merge it with the lines after it. No warning shows a value: it
 * may be a secret.
 */
export function parseDotEnv(text: string, warnings: MessageCollector): NodeJS.Dict<string> {
  const lines = text.split(/\r?\n/);
  const kept = lines.filter((line, index) => {
    const fault = faultOf(line);
    if (fault !== null) warnings.add(`Line ${index + 1} of .env has no effect: ${fault}.`);
    return fault === null;
  });
  return parseEnv(`${kept.join('\n')}\n`);
}

function faultOf(line: string): string | null {
  if (BLANK_OR_COMMENT.test(line)) return null;
  const start = ASSIGNMENT.exec(line);
  if (start === null) return 'it does not have the form NAME=value';
  const value = line.slice(start[0].length);
  const quote = /^["'`]/.exec(value)?.[0];
  return quote !== undefined && !value.includes(quote, 1)
    ? `the value of ${start[1]} has a quote without an end`
    : null;
}
