import { SYSTEM } from '../../domain/audit.ts';
import { isRotationDue, publishedUntil } from '../../domain/key-set.ts';
import type { CheckKey } from '../../ports/security/key-maker.ts';
import type { SecurityEvent } from '../../ports/security-log.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { announceKey, type KeyDeps, keyEntry } from './announce-key.ts';
import { usableKeys } from './list-keys.ts';

export interface MaintainDeps extends Omit<KeyDeps, 'by' | 'origin'> {
  readonly checkKey: CheckKey;
}

/**
 * Maintains the key set; every replica runs this periodically. Announces the next key when it is due, and removes each
 * key whose last token has expired. Returns the current set.
 */
export const maintainKeySet = (given: MaintainDeps) => {
  const deps = { ...given, by: 'automatic', origin: SYSTEM };
  const { signingKeys, checkKey, alg, timing, clock, log, by } = deps;
  const announce = announceKey(deps);

  return async (): Promise<readonly SealedKey[]> => {
    const found = await signingKeys.list();
    // Refused keys count here: a replica with a wrong KEY_SET_ENCRYPTION_KEY must not add keys that no other replica
    // can open.
    const isDue = isRotationDue(found, alg, timing, clock());
    if (isDue) await announce(found);
    // Another replica may have added the next key first, so the set is read again.
    const keys = isDue ? await signingKeys.list() : found;
    // A refused key never signs, so it does not end the time of another key.
    const usable = await usableKeys(checkKey, keys);
    const outlived = keys.filter((key) => publishedUntil(key, usable, timing) <= clock()).map(({ id }) => id);
    if (outlived.length === 0) return keys;
    const event: SecurityEvent = 'signing_key_removed';
    const entries = outlived.map((kid) => keyEntry(deps, 'keys.removed', { kid }));
    for (const kid of await signingKeys.remove(outlived, entries))
      log.info({ event, kid, by }, 'signing key removed: its last token has expired');
    return keys.filter(({ id }) => !outlived.includes(id));
  };
};
