import { isRotationDue, publishedUntil } from '../../domain/key-set.ts';
import type { SecurityEvent } from '../../ports/security-log.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { announceKey, type KeyDeps } from './announce-key.ts';

/**
 * Maintains the key set; every replica runs this periodically. Announces the next key when it is due, and removes each
 * key whose last token has expired. Returns the current set, which contains a key that may sign.
 */
export const maintainKeySet = (deps: Omit<KeyDeps, 'by'>) => {
  const { signingKeys, alg, timing, clock, log } = deps;
  const by = 'automatic';
  const announce = announceKey({ ...deps, by });

  return async (): Promise<readonly SealedKey[]> => {
    const found = await signingKeys.list();
    const isDue = isRotationDue(found, alg, timing, clock());
    if (isDue) await announce(found);
    // Another replica may have added the next key first, so the set is read again.
    const keys = isDue ? await signingKeys.list() : found;
    const outlived = keys.filter((key) => publishedUntil(key, keys, timing) <= clock()).map(({ id }) => id);
    if (outlived.length === 0) return keys;
    const event: SecurityEvent = 'signing_key_removed';
    for (const kid of await signingKeys.remove(outlived))
      log.info({ event, kid, by }, 'signing key removed: its last token has expired');
    return keys.filter(({ id }) => !outlived.includes(id));
  };
};
