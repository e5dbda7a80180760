import { readKeyFile } from '../adapters/jose/key-file.ts';
import { createSealedKeys } from '../adapters/jose/sealed-keys.ts';
import type { KeyDeps } from '../app/keys/announce-key.ts';
import { type KeyInSet, listKeys } from '../app/keys/list-keys.ts';
import { type RetireKeyResult, retireKey } from '../app/keys/retire-key.ts';
import { type RotateKeyResult, rotateKey } from '../app/keys/rotate-key.ts';
import { keySetTiming } from '../domain/key-set.ts';
import type { Clock } from '../ports/clock.ts';
import type { SigningKeys } from '../ports/stores/signing-keys.ts';
import type { KeySetConfig } from './key-set.ts';

/** The operator's actions on the key set. An action that cannot be done rejects with a message for the operator. */
export interface KeySetAdmin {
  list(): Promise<readonly KeyInSet[]>;
  rotate(atOnce: boolean): Promise<RotateKeyResult>;
  retire(id: string): Promise<RetireKeyResult>;
}

export function createDatabaseKeySetAdmin(
  { keySet, policy }: KeySetConfig,
  deps: Pick<KeyDeps, 'clock' | 'newId' | 'log' | 'by' | 'origin'> & { readonly signingKeys: SigningKeys },
): KeySetAdmin {
  const { alg, encryptionKeys } = keySet;
  const { make, check } = createSealedKeys(encryptionKeys);
  // With HS512 there may be no encryption key. Then no key of the set can be decrypted, and no key is used.
  const checkKey = encryptionKeys.length === 0 ? async () => null : check;
  const keyDeps = { ...deps, makeKey: make, checkKey, timing: keySetTiming(policy, keySet) };
  return {
    list: listKeys(keyDeps),

    async rotate(atOnce) {
      if (alg === null) throw new Error('ACCESS_TOKEN_ALG is HS512: no key set signs access tokens.');
      const rotated = await rotateKey({ ...keyDeps, alg })(atOnce);
      if (rotated === null)
        throw new Error(
          'The keys were changed at the same time by another process. List them, then try again.',
        );
      return rotated;
    },

    async retire(id) {
      const retired = await retireKey({ ...keyDeps, alg })(id);
      if (retired === null) throw new Error(`There is no key ${id}. List the keys to see their ids.`);
      return retired;
    },
  };
}

export function createFileKeySetAdmin(
  { keySet, policy }: KeySetConfig,
  path: string,
  clock: Clock,
): KeySetAdmin {
  const refuse = async () => {
    throw new Error(`KEY_SET_FILE is set, so this command cannot change the keys. Edit ${path} instead.`);
  };
  const signingKeys = { list: () => readKeyFile(path, keySet.alg) };
  return {
    list: listKeys({ signingKeys, checkKey: async () => null, timing: keySetTiming(policy, keySet), clock }),
    rotate: refuse,
    retire: refuse,
  };
}
