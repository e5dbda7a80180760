import { SYSTEM } from '../../domain/audit.ts';
import { isRotationDue, publishedUntil } from '../../domain/key-set.ts';
import type { SecurityEvent } from '../../ports/security-log.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { announceKey, type KeyDeps, keyEntry } from './announce-key.ts';

/**
 * Maintains the key set; every replica runs this periodically. Announces the next key when it is due, and removes each
 * key whose last token has expired. Returns the current set.
 */
export const maintainKeySet = (given: Omit<KeyDeps, 'by' | 'origin'>) => {
  const deps = { ...given, by: 'automatic', origin: SYSTEM };
  const { signingKeys, alg, timing, clock, log, by } = deps;
  const announce = announceKey(deps);

  return async (): Promise<readonly SealedKey[]> => {
    const found = await signingKeys.list();
    const isDue = isRotationDue(found, alg, timing, clock());
    if (isDue) await announce(found);
    // Another replica may have added the next key first, so the set is read again.
    const keys = isDue ? await signingKeys.list() : found;
    const outlived = keys.filter((key) => publishedUntil(key, keys, timing) <= clock()).map(({ id }) => id);
    if (outlived.length === 0) return keys;
    const event: SecurityEvent = 'signing_key_removed';
    const entries = outlived.map((kid) => keyEntry(deps, 'keys.removed', { kid }));
    for (const kid of await signingKeys.remove(outlived, entries))
      log.info({ event, kid, by }, 'signing key removed: its last token has expired');
    return keys.filter(({ id }) => !outlived.includes(id));
  };
};
