import { type KeySetTiming, keyThatSigns, publishedUntil, type SigningKey } from '../../domain/key-set.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PublicKey } from '../../ports/security/public-key.ts';
import type { KeyRing } from './key-ring.ts';
import { throttle } from './throttle.ts';
import type { TokenKey } from './token-key.ts';

/** A key of the set that can verify tokens, and sign them if it has a private part. */
export interface OpenKey extends SigningKey, TokenKey {
  readonly alg: SigningKey['alg'];
  readonly publicKey: PublicKey;
}

interface Options {
  readonly clock: Clock;
  readonly timing: Pick<KeySetTiming, 'outlast'>;
  /** Reads the source again and calls {@link KeySet.replace}. Called when a token names an unknown key. */
  readonly reload: () => Promise<void>;
}

/** Milliseconds between two reloads for an unknown key. Anyone can name an unknown key in a token. */
const RELOAD_PAUSE = 1_000;

/** A key ring whose keys change while the service runs. */
export interface KeySet extends KeyRing {
  /** The keys that currently verify access tokens. */
  published(): readonly PublicKey[];
  /**
   * The key with this id, published or not. Callers reuse it, because decrypting a key is slow and a key never changes.
   */
  findStored(id: string): OpenKey | undefined;
  replace(keys: readonly OpenKey[]): void;
}

/** Creates an empty set. It must be filled with `replace` before it can sign. */
export function createKeySet({ clock, timing, reload }: Options): KeySet {
  const reloadThrottled = throttle(RELOAD_PAUSE, reload);
  let keys: readonly OpenKey[] = [];
  const isPublished = (key: OpenKey) => clock() < publishedUntil(key, keys, timing);
  const find = (id: string) => keys.find((key) => key.id === id && isPublished(key));

  return {
    current() {
      const key = keyThatSigns(keys, clock());
      if (key === null) throw new Error('The key set has no key that can sign.');
      return key;
    },

    find,

    async fetchUnknownKey(id) {
      await reloadThrottled();
      return find(id);
    },

    findStored: (id) => keys.find((key) => key.id === id),

    published: () => keys.filter(isPublished).map(({ publicKey }) => publicKey),

    replace(next) {
      keys = next;
    },
  };
}
