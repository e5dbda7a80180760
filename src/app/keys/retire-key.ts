import { type KeyAlgorithm, keyThatSigns } from '../../domain/key-set.ts';
import type { CheckKey } from '../../ports/security/key-maker.ts';
import type { SecurityEvent } from '../../ports/security-log.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { announceKey, type KeyDeps } from './announce-key.ts';
import { usableKeys } from './usable-keys.ts';

export interface RetireDeps extends Omit<KeyDeps, 'alg'> {
  /** Null: access tokens are not signed by this set any more, and none takes the place of one that goes. */
  readonly alg: KeyAlgorithm | null;
  readonly checkKey: CheckKey;
}

/** The key that signs in place of the one that went, where that was the one to sign. */
export interface Retired {
  readonly successor: SealedKey | null;
}

/**
 * Takes a key out at once, as one that has leaked: tokens under it are refused as soon as a replica has looked.
 * Where it was the one that signs, a fresh one does from now on, and none that was there: they were kept together.
 * Null if there is no such key.
 */
export const retireKey = ({ alg, ...deps }: RetireDeps) => {
  const { signingKeys, clock, log } = deps;
  const announce = alg === null ? async () => null : announceKey({ ...deps, alg });

  return async (id: string): Promise<Retired | null> => {
    const keys = await signingKeys.list();
    if (!keys.some((key) => key.id === id)) return null;
    const usable = await usableKeys(deps.checkKey, keys);
    // The new one first: should this be cut short, there still is a key that signs.
    const successor = keyThatSigns(usable, clock())?.id === id ? await announce(keys, true) : null;
    const event: SecurityEvent = 'signing_key_retired';
    for (const kid of await signingKeys.remove([id]))
      log.warn({ event, kid, by: deps.by }, 'signing key taken out');
    return { successor };
  };
};
