import { stateOf } from '../../domain/key-set.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { announceKey, type KeyDeps } from './announce-key.ts';

/** What became of the wish: a new key, or the one that is announced already and has its turn to come. */
export interface Rotated {
  readonly key: SealedKey;
  readonly isNew: boolean;
}

/**
 * Announces the next key; `atOnce`, for an emergency, it signs without having been announced, and goes before one
 * that is. Null if somebody else changed the set at the same time.
 */
export const rotateKey = (deps: KeyDeps) => {
  const announce = announceKey(deps);

  return async (atOnce: boolean): Promise<Rotated | null> => {
    const keys = await deps.signingKeys.list();
    const announced = keys.find((key) => stateOf(key, keys, deps.clock()) === 'announced');
    if (announced !== undefined && !atOnce) return { key: announced, isNew: false };
    const key = await announce(keys, atOnce);
    return key && { key, isNew: true };
  };
};
