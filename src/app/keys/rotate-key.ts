import { stateOf } from '../../domain/key-set.ts';
import type { CheckKey } from '../../ports/security/key-maker.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { announceKey, type KeyDeps } from './announce-key.ts';
import { usableKeys } from './usable-keys.ts';

export interface RotateDeps extends KeyDeps {
  readonly checkKey: CheckKey;
}

/** What became of the wish: a new key, or the one that is announced already and has its turn to come. */
export interface Rotated {
  readonly key: SealedKey;
  readonly isNew: boolean;
}

/**
 * Announces the next key; `atOnce`, for an emergency, it signs without having been announced, and goes before one
 * that is. Null if somebody else changed the set at the same time.
 */
export const rotateKey = (deps: RotateDeps) => {
  const announce = announceKey(deps);

  return async (atOnce: boolean): Promise<Rotated | null> => {
    const keys = await deps.signingKeys.list();
    const usable = await usableKeys(deps.checkKey, keys);
    const announced = usable.find((key) => stateOf(key, usable, deps.clock()) === 'announced');
    if (announced !== undefined && !atOnce) return { key: announced, isNew: false };
    const key = await announce(keys, atOnce);
    return key && { key, isNew: true };
  };
};
