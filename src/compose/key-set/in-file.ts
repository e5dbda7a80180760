import { readFile } from 'node:fs/promises';
import { UnusableKey } from '../../adapters/jose/import-key.ts';
import { readKeyFile } from '../../adapters/jose/key-file.ts';
import { createKeySet, type OpenKey } from '../../adapters/jose/key-set.ts';
import { reasonOf, shown } from '../../config/values.ts';
import { ConfigurationError } from '../../config.ts';
import { type KeyAlgorithm, keySetTiming } from '../../domain/key-set.ts';
import type { KeySetDeps, KeySetOptions, KeySource } from './source.ts';
import { LOOK_PAUSE, throttle } from './throttle.ts';

/** Keys in a file that somebody else makes and changes; one that becomes unusable changes nothing. */
export function createFileKeySource(
  { keySet, policy }: KeySetOptions,
  { clock, log }: Omit<KeySetDeps, 'signingKeys'>,
  path: string,
): KeySource {
  const timing = keySetTiming(policy, keySet);
  let seen = '';
  const set = createKeySet({ clock, timing, reload: throttle(LOOK_PAUSE, keep) });
  return { set, poll: timing.poll, start, maintain: keep };

  async function start(): Promise<void> {
    try {
      await readAnew();
    } catch (error) {
      throw new ConfigurationError([`KEY_SET_FILE got ${shown(path)}: ${whyNot(error)}.`]);
    }
  }

  async function keep(): Promise<void> {
    await readAnew().catch((error) => {
      log.error({ reason: whyNot(error) }, 'KEY_SET_FILE cannot be used as it is now: nothing changes');
    });
  }

  async function readAnew(): Promise<void> {
    const text = await readFile(path, 'utf8');
    if (text === seen) return;
    set.replace(checked(await readKeyFile(text), keySet.alg));
    seen = text;
    log.info({ kids: set.published().map(({ kid }) => kid) }, 'signing keys read from KEY_SET_FILE');
  }
}

function checked(keys: readonly OpenKey[], wanted: KeyAlgorithm | null): readonly OpenKey[] {
  const alg = keys[0]?.alg;
  if (wanted === null || alg === wanted) return keys;
  throw new UnusableKey(`key 1 is to sign, and is for ${alg}, where ACCESS_TOKEN_ALG says ${wanted}`);
}

function whyNot(error: unknown): string {
  return error instanceof UnusableKey ? error.message : reasonOf(error);
}
