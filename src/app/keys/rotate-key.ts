import { stateOf } from '../../domain/key-set.ts';
import type { CheckKey } from '../../ports/security/key-maker.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { announceKey, type KeyDeps } from './announce-key.ts';
import { usableKeys } from './list-keys.ts';

export interface RotateDeps extends KeyDeps {
  readonly checkKey: CheckKey;
}

/** The result: a new key, or the key that was already announced. */
export interface RotateKeyResult {
  readonly key: SealedKey;
  readonly isNew: boolean;
}

/**
 * Announces the next key. With `atOnce`, for an emergency, the new key signs without an announcement. A key that was
 * announced before then never signs. Null if another process changed the set at the same time.
 */
export const rotateKey = (deps: RotateDeps) => {
  const announce = announceKey(deps);

  return async (atOnce: boolean): Promise<RotateKeyResult | null> => {
    const keys = await deps.signingKeys.list();
    const usable = await usableKeys(deps.checkKey, keys);
    const announced = usable.find((key) => stateOf(key, usable, deps.clock()) === 'announced');
    if (announced !== undefined && !atOnce) return { key: announced, isNew: false };
    const key = await announce(keys, atOnce);
    return key && { key, isNew: true };
  };
};
