import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from '../lib/errors.ts';
import { makeFolder } from '../lib/make-folder.ts';

/**
 * Reads the key in this file, and makes it at the first start. Two concurrent first starts use the same key. Throws the
 * errors of the file system.
 */
export function readStoredKey(path: string, onCreated: () => void): string {
  if (!existsSync(path)) {
    makeKey(path);
    onCreated();
  }
  return readFileSync(path, 'utf8').trim();
}

/** The file gets its name only after the whole key is written. So no process reads a part of it, even after a crash. */
function makeKey(path: string): void {
  makeFolder(dirname(path));
  const temporary = `${path}.${randomUUID()}`;
  writeFileSync(temporary, randomBytes(64).toString('base64url'), { flag: 'wx', mode: 0o600, flush: true });
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary);
  }
}
