import { type KeySetTiming, keyThatSigns, publishedUntil, type SigningKey } from '../../domain/key-set.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PublicKey, PublishedKeys } from '../../ports/security/public-key.ts';
import type { KeyRing } from './key-ring.ts';
import type { TokenKey } from './token-key.ts';

/** A key of the set, ready for use. */
export interface OpenKey extends SigningKey, TokenKey {
  readonly alg: SigningKey['alg'];
  readonly publicKey: PublicKey;
}

interface Options {
  readonly clock: Clock;
  readonly timing: Pick<KeySetTiming, 'outlast'>;
  /** Brings the set up to date, by {@link KeySet.replace}, for the sake of a key that nobody knows. */
  readonly reload: () => Promise<void>;
}

/** Keys that come and go while the service runs. */
export interface KeySet extends KeyRing {
  readonly published: PublishedKeys;
  /** What is there already under this id: a key never changes, and opening one takes its time. */
  known(id: string): OpenKey | undefined;
  replace(keys: readonly OpenKey[]): void;
}

/** An empty set, to be filled before it is asked to sign. */
export function createKeySet({ clock, timing, reload }: Options): KeySet {
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
      await reload();
      return find(id);
    },

    known: (id) => keys.find((key) => key.id === id),

    published: () => keys.filter(isPublished).map(({ publicKey }) => publicKey),

    replace(next) {
      keys = next;
    },
  };
}
