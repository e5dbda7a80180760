import { type KeySetTiming, keyThatSigns, publishedUntil, type SigningKey } from '../../domain/key-set.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PublicKey, PublishedKeys } from '../../ports/security/public-key.ts';
import type { KeyRing } from './key-ring.ts';
import { throttle } from './throttle.ts';
import type { TokenKey } from './token-key.ts';

/** A key of the set, ready for use. */
export interface OpenKey extends SigningKey, TokenKey {
  readonly alg: SigningKey['alg'];
  readonly publicKey: PublicKey;
}

interface Options {
  readonly clock: Clock;
  readonly timing: Pick<KeySetTiming, 'outlast'>;
  /** Reads the stored keys again, and calls {@link KeySet.replace}. */
  readonly reload: () => Promise<void>;
}

/** Milliseconds between two reloads for an unknown key. Anyone can name an unknown key in a token. */
const RELOAD_PAUSE = 1_000;

/** Keys that are added and removed while the service runs. */
export interface KeySet extends KeyRing {
  readonly published: PublishedKeys;
  /** The opened key with this id, published or not. Opening a key is slow, so an unchanged key is not opened again. */
  known(id: string): OpenKey | undefined;
  replace(keys: readonly OpenKey[]): void;
}

/** Creates an empty set. It must be filled before it signs. */
export function createKeySet({ clock, timing, reload }: Options): KeySet {
  const reloadSometimes = throttle(RELOAD_PAUSE, reload);
  let keys: readonly OpenKey[] = [];
  const isPublished = (key: OpenKey) => clock() < publishedUntil(key, keys, timing);
  const find = (id: string) => keys.find((key) => key.id === id && isPublished(key));

  return {
    current() {
      const key = keyThatSigns(keys, clock());
      if (key === null) throw new Error('There is no key to sign with.');
      return key;
    },

    find,

    async fetchUnknownKey(id) {
      await reloadSometimes();
      return find(id);
    },

    known: (id) => keys.find((key) => key.id === id),

    published: () => keys.filter(isPublished).map(({ publicKey }) => publicKey),

    replace(next) {
      keys = next;
    },
  };
}
