import type { KeyAlgorithm } from '../../domain/key-set.ts';
import { UnusableKey } from './import-key.ts';
import { readKeys, readKeyText } from './key-file.ts';
import { createKeySet } from './key-set.ts';
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
    const text = await readKeyText(path);
    if (text === lastText) return;
    set.replace(await readKeys(text, alg));
    lastText = text;
    log.info({ kids: set.published().map(({ kid }) => kid) }, 'signing keys read from KEY_SET_FILE');
  }
}
