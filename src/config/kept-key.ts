import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from '../lib/errors.ts';

/**
 * The key in this file, which is made at the first start. Of two first starts at once the first one's key counts
 * for both. Throws the errors of the file system.
 */
export function keptKey(path: string): string {
  if (!existsSync(path)) makeKey(path);
  return readFileSync(path, 'utf8').trim();
}

/** The file gets its name when the key is in it, whole: nobody reads half a key, not even after a crash. */
function makeKey(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, randomBytes(64).toString('base64url'), { flag: 'wx', mode: 0o600, flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
}
