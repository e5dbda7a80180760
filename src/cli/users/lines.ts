import { StringDecoder } from 'node:string_decoder';
import type { NumberedLine } from '../../app/users/import-users.ts';

/**
 * The maximum number of characters of a line. The rest of a longer line is dropped, so that it cannot fill the memory.
 */
const MAX_LENGTH = 16_384;

/** The lines of a text in UTF-8 that are not blank, with their numbers from 1. */
export async function* readLines(input: AsyncIterable<Buffer>): AsyncGenerator<NumberedLine> {
  const decoder = new StringDecoder('utf8');
  let number = 1;
  let rest = '';
  for await (const chunk of input) {
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    // One more character than allowed is enough to see that the line is too long.
    if (rest.length > MAX_LENGTH) rest = rest.slice(0, MAX_LENGTH + 1);
    for (const part of parts) {
      yield* readLine(number, part);
      number += 1;
    }
  }
  yield* readLine(number, rest + decoder.end());
}

function* readLine(number: number, part: string): Generator<NumberedLine> {
  const text = part.replace(/\r$/, '').replace(/^\u{feff}/u, '');
  if (text.length > MAX_LENGTH) yield { number, text: null };
  else if (text.trim() !== '') yield { number, text };
}

/** The number of lines that are not blank. */
export async function countLines(input: AsyncIterable<Buffer>): Promise<number> {
  let count = 0;
  for await (const _ of readLines(input)) count += 1;
  return count;
}
