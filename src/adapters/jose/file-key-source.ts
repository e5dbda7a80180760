import { readFile } from 'node:fs/promises';
import type { KeyAlgorithm } from '../../domain/key-set.ts';
import { UnusableKey } from './import-key.ts';
import { readKeyFile } from './key-file.ts';
import { createKeySet, type OpenKey } from './key-set.ts';
import type { KeySource, KeySourceOptions } from './key-source.ts';

interface Options extends KeySourceOptions {
  readonly path: string;
  /** The algorithm that the configuration requires; null: any. */
  readonly alg: KeyAlgorithm | null;
}

/** The key set in a file that another program maintains. A file that becomes unusable leaves the set unchanged. */
export function createFileKeySource({ path, alg, ...options }: Options): KeySource {
  const { log } = options;
  let lastText = '';
  const set = createKeySet({ ...options, reload: maintain });
  return { set, start: load, maintain };

  async function maintain(): Promise<void> {
    try {
      await load();
    } catch (error) {
      if (!(error instanceof UnusableKey)) throw error;
      log.error({ reason: error.message }, 'KEY_SET_FILE is unusable; the keys read before stay in use');
    }
  }

  async function load(): Promise<void> {
    const text = await readText(path);
    if (text === lastText) return;
    set.replace(checkAlgorithm(await readKeyFile(text), alg));
    lastText = text;
    log.info({ kids: set.published().map(({ kid }) => kid) }, 'signing keys read from KEY_SET_FILE');
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UnusableKey(error instanceof Error && 'code' in error ? String(error.code) : 'unreadable');
  }
}

function checkAlgorithm(keys: readonly OpenKey[], required: KeyAlgorithm | null): readonly OpenKey[] {
  const alg = keys[0]?.alg;
  if (required === null || alg === required) return keys;
  throw new UnusableKey(`key 1 must sign: ACCESS_TOKEN_ALG names ${required}, but the key is for ${alg}`);
}
