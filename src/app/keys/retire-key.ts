import { type KeyAlgorithm, keyThatSigns } from '../../domain/key-set.ts';
import type { CheckKey } from '../../ports/security/key-maker.ts';
import type { SecurityEvent } from '../../ports/security-log.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { announceKey, type KeyDeps, keyEntry } from './announce-key.ts';
import { usableKeys } from './list-keys.ts';

export interface RetireDeps extends Omit<KeyDeps, 'alg'> {
  /** Null: the keys of the set no longer sign access tokens, so a removed key gets no successor. */
  readonly alg: KeyAlgorithm | null;
  readonly checkKey: CheckKey;
}

/** The result. `successor`: the new signing key if the removed key was the signing key, otherwise null. */
export interface RetireKeyResult {
  readonly successor: SealedKey | null;
}

/** Why nothing was removed. `changed`: another process changed the set at the same time. */
export type RetireKeyRefusal = 'unknown' | 'changed';

/**
 * Removes a leaked key at once. Such a key does not pass through the state `retired`. Each replica refuses tokens under
 * the key after its next poll of the set. If the leaked key was the signing key, a new key signs from now on. An
 * announced key does not become its successor: it was stored beside the leaked key and may have leaked too.
 */
export const retireKey = ({ alg, ...deps }: RetireDeps) => {
  const { signingKeys, clock, log } = deps;
  const announce = alg === null ? null : announceKey({ ...deps, alg });

  return async (id: string): Promise<RetireKeyResult | RetireKeyRefusal> => {
    const keys = await signingKeys.list();
    if (!keys.some((key) => key.id === id)) return 'unknown';
    const usable = await usableKeys(deps.checkKey, keys);
    // The successor comes first. If the process ends in between, the set still has a key that signs.
    const needsSuccessor = announce !== null && keyThatSigns(usable, clock())?.id === id;
    const successor = needsSuccessor ? await announce(keys, true) : null;
    if (needsSuccessor && successor === null) return 'changed';
    const event: SecurityEvent = 'signing_key_retired';
    const entry = keyEntry(deps, 'keys.retired', { kid: id });
    for (const kid of await signingKeys.remove([id], [entry]))
      log.warn({ event, kid, by: deps.by }, 'signing key removed at once by an operator');
    return { successor };
  };
};
