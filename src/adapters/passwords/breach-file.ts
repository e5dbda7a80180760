import { type FileHandle, open } from 'node:fs/promises';
import type { IsBreachedPassword } from '../../ports/security/password-lists.ts';
import { breachHash } from './breach-range.ts';

/** A line: at least ten characters of a SHA-1 in hexadecimal form. The count of breaches may follow. */
const LINE = /^([0-9a-f]{10,40})(?::\d{1,15})?$/i;

/** The maximum length of a line in bytes, with its end. */
const LONGEST = 64;

/**
 * Looks passwords up in a file of sorted hashes, one in each line. The download of Have I Been Pwned has this form.
 * A binary search reads about thirty short parts of the file. Nothing is kept in memory.
 */
export function createBreachFile(path: string, onFailure: (error: unknown) => void): IsBreachedPassword {
  return async (password) => {
    const hash = breachHash(password);
    try {
      const file = await open(path);
      try {
        return await hasHash(file, hash);
      } finally {
        await file.close();
      }
    } catch (error) {
      onFailure(error);
      return false;
    }
  };
}

async function hasHash(file: FileHandle, hash: string): Promise<boolean> {
  let [low, high] = [0, (await file.stat()).size];
  while (low < high) {
    const { text, start, end } = await lineAround(file, Math.floor((low + high) / 2));
    const prefix = LINE.exec(text)?.[1]?.toUpperCase();
    if (prefix === undefined) throw new Error('A line of the file of breached passwords is not a SHA-1.');
    const compared = hash.slice(0, prefix.length);
    if (compared === prefix) return true;
    if (compared < prefix) high = start;
    else low = end;
  }
  return false;
}

/** The line that contains the byte at `offset`, and its bounds in the file. */
async function lineAround(file: FileHandle, offset: number) {
  const from = Math.max(0, offset - LONGEST);
  const buffer = Buffer.alloc(offset - from + LONGEST);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
  const part = buffer.toString('latin1', 0, bytesRead);
  const begin = part.lastIndexOf('\n', offset - from - 1) + 1;
  const found = part.indexOf('\n', offset - from);
  const end = found === -1 ? part.length : found + 1;
  return { text: part.slice(begin, end).trim(), start: from + begin, end: from + end };
}
