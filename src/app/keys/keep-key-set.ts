import { isRotationDue, publishedUntil } from '../../domain/key-set.ts';
import type { SecurityEvent } from '../../ports/security-log.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { announceKey, type KeyDeps } from './announce-key.ts';

/**
 * Sees to the set as every replica does now and then: announces the next key when it is time, removes those under
 * which no good token is left, and answers what there is. There is a key that may sign when it is done.
 */
export const keepKeySet = (deps: Omit<KeyDeps, 'by'>) => {
  const { signingKeys, alg, timing, clock, log } = deps;
  const by = 'automatic';
  const announce = announceKey({ ...deps, by });

  return async (): Promise<readonly SealedKey[]> => {
    const found = await signingKeys.list();
    const isDue = isRotationDue(found, alg, timing, clock());
    if (isDue) await announce(found);
    // Whoever was first: what counts is what is there now.
    const keys = isDue ? await signingKeys.list() : found;
    const outlived = keys.filter((key) => publishedUntil(key, keys, timing) <= clock()).map(({ id }) => id);
    if (outlived.length === 0) return keys;
    const event: SecurityEvent = 'signing_key_removed';
    for (const kid of await signingKeys.remove(outlived))
      log.info({ event, kid, by }, 'signing key removed, its time is over');
    return keys.filter(({ id }) => !outlived.includes(id));
  };
};
