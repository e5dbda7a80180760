import { parseEnv } from 'node:util';
import type { MessageCollector } from './values.ts';

const BLANK_OR_COMMENT = /^\s*(?:#|$)/;
const ASSIGNMENT = /^\s*(?:export\s+)?(?<name>[\w.-]+)\s*=\s*(?<value>.*)$/;
/** The start of another assignment or comment. A quoted value does not continue there. */
const NEXT_ENTRY = /^\s*(?:#|$|(?:export\s+)?[A-Z][A-Z0-9_]*\s*=)/;

/**
 * Parses the text of a `.env` file, each assignment by itself. A line that is no assignment has no effect, and causes a
 * warning with its number. The warning does not show the line, which may contain a secret.
 */
export function parseDotEnv(text: string, warnings: MessageCollector): NodeJS.Dict<string> {
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  const variables: NodeJS.Dict<string> = {};
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (BLANK_OR_COMMENT.test(line)) continue;
    const { name = '', value = '' } = ASSIGNMENT.exec(line)?.groups ?? {};
    if (name === '') {
      warnings.add(`Line ${index + 1} of .env has no effect: it does not have the form NAME=value.`);
      continue;
    }
    const continuation = quotedContinuation(value, lines.slice(index + 1));
    index += continuation.length;
    Object.assign(variables, parseEnv(`${name}=${[value, ...continuation].join('\n')}\n`));
  }
  return variables;
}

/** The further lines of a quoted value. Empty if the quote ends on the first line, or does not end. */
function quotedContinuation(value: string, following: readonly string[]): readonly string[] {
  const quote = /^["'`]/.exec(value)?.[0];
  if (quote === undefined || value.includes(quote, 1)) return [];
  const end = following.findIndex((line) => line.includes(quote) || NEXT_ENTRY.test(line));
  const isClosed = end !== -1 && !NEXT_ENTRY.test(following[end] ?? '');
  return isClosed ? following.slice(0, end + 1) : [];
}
