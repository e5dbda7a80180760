import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenStorage } from '../../../client/src/index.ts';

/** Stores each session in one file, which is replaced atomically and readable by its owner only. */
export function fileStorage(folder: string): TokenStorage {
  return {
    getItem: (name) => readFile(join(folder, name), 'utf8').catch(() => null),
    async setItem(name, value) {
      const path = join(folder, name);
      await writeFile(`${path}.next`, value, { mode: 0o600, flush: true });
      await rename(`${path}.next`, path);
    },
    removeItem: (name) => rm(join(folder, name), { force: true }),
  };
}
