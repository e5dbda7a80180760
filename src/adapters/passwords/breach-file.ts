import { type FileHandle, open, stat } from 'node:fs/promises';
import type { IsBreachedPassword } from '../../ports/security/password-lists.ts';
import { breachHash } from './breach-range.ts';

/** A line: at least ten characters of a SHA-1 in hexadecimal form. The count of breaches may follow. */
const LINE = /^([0-9a-f]{10,40})(?::\d{1,15})?$/i;

/** The maximum length of a line in bytes, with its end. */
const LONGEST = 64;

/** The number of lines that a check compares. A file in another order passes it by chance only. */
const SAMPLES = 64;

/**
 * Says why a search in the file would fail or miss hashes, such as `not sorted by hash`. Null: no fault is found.
 * Rejects with the error of the file system.
 */
export async function findBreachFileFault(path: string): Promise<string | null> {
  const stats = await stat(path);
  if (!stats.isFile()) return 'not a file'; // to open a pipe would wait for a writer
  if (stats.size === 0) return 'empty';
  return withFile(path, async (file) => {
    let previous = '';
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      const offset = Math.floor(((stats.size - 1) * sample) / (SAMPLES - 1));
      const { hash } = await lineAround(file, offset);
      if (hash === null) return 'with a line that is not a SHA-1';
      if (hash < previous) return 'not sorted by hash';
      previous = hash;
    }
    return null;
  });
}

/**
 * Looks passwords up in a file of sorted hashes, one in each line. The download of Have I Been Pwned has this form.
 * A binary search reads about thirty short parts of the file. Nothing is kept in memory.
 */
export function createBreachFile(path: string, onFailure: (error: unknown) => void): IsBreachedPassword {
  return async (password) => {
    const hash = breachHash(password);
    try {
      return await withFile(path, (file) => hasHash(file, hash));
    } catch (error) {
      onFailure(error);
      return false;
    }
  };
}

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function hasHash(file: FileHandle, hash: string): Promise<boolean> {
  let [low, high] = [0, (await file.stat()).size];
  if (high === 0) throw new Error('The file of breached passwords is empty.');
  while (low < high) {
    const { hash: prefix, start, end } = await lineAround(file, Math.floor((low + high) / 2));
    if (prefix === null) throw new Error('A line of the file of breached passwords is not a SHA-1.');
    const compared = hash.slice(0, prefix.length);
    if (compared === prefix) return true;
    if (compared < prefix) high = start;
    else low = end;
  }
  return false;
}

/** The hash in the line that contains the byte at `offset`, or null, and the bounds of the line in the file. */
async function lineAround(file: FileHandle, offset: number) {
  const from = Math.max(0, offset - LONGEST);
  const buffer = Buffer.alloc(offset - from + LONGEST);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
  const part = buffer.toString('latin1', 0, bytesRead);
  const begin = part.lastIndexOf('\n', offset - from - 1) + 1;
  const found = part.indexOf('\n', offset - from);
  const end = found === -1 ? part.length : found + 1;
  const hash = LINE.exec(part.slice(begin, end).trim())?.[1]?.toUpperCase() ?? null;
  return { hash, start: from + begin, end: from + end };
}
