import { readKeyFile } from '../adapters/jose/key-file.ts';
import { createSealedKeys } from '../adapters/jose/sealed-keys.ts';
import type { KeyDeps } from '../app/keys/announce-key.ts';
import { type KeyInSet, listKeys } from '../app/keys/list-keys.ts';
import { type RetireKeyResult, retireKey } from '../app/keys/retire-key.ts';
import { type RotateKeyResult, rotateKey } from '../app/keys/rotate-key.ts';
import { keySetTiming } from '../domain/key-set.ts';
import type { Clock } from '../ports/clock.ts';
import type { SigningKeys } from '../ports/stores/signing-keys.ts';
import type { KeySetAndPolicy } from './key-set.ts';

/** The operator's actions on the key set. An action that cannot be done rejects with a message for the operator. */
export interface KeySetAdmin {
  list(): Promise<readonly KeyInSet[]>;
  rotate(atOnce: boolean): Promise<RotateKeyResult>;
  retire(id: string): Promise<RetireKeyResult>;
}

const CHANGED = 'The keys were changed at the same time by another process. List them, then try again.';

const HS512_WITHOUT_KEYS =
  'ACCESS_TOKEN_ALG is HS512: no key set signs access tokens, so there is nothing to rotate. Set ACCESS_TOKEN_ALG to EdDSA, for example.';

const HS512_BESIDE_KEYS =
  'ACCESS_TOKEN_ALG is HS512 here, but the key set has a signing key. Run the command with the environment of the service. If the service itself has changed to HS512, there is nothing to rotate.';

export function createDatabaseKeySetAdmin(
  { keySet, policy }: KeySetAndPolicy,
  deps: Pick<KeyDeps, 'clock' | 'newId' | 'log' | 'by' | 'origin'> & { readonly signingKeys: SigningKeys },
): KeySetAdmin {
  const { alg, encryptionKeys } = keySet;
  const hasEncryptionKey = encryptionKeys.length > 0;
  const { make, check } = createSealedKeys(encryptionKeys);
  // With HS512 there may be no encryption key. Then no key of the set can be decrypted, and no key is used.
  const checkKey = hasEncryptionKey || alg !== null ? check : async () => null;
  const keyDeps = { ...deps, makeKey: make, checkKey, timing: keySetTiming(policy, keySet) };
  const list = listKeys(keyDeps);
  return {
    list,

    async rotate(atOnce) {
      if (alg === null) {
        const keys = await list();
        const hasSigningKey = keys.some(({ state }) => state === 'signing') || isForeignSet(keys);
        throw new Error(hasSigningKey ? HS512_BESIDE_KEYS : HS512_WITHOUT_KEYS);
      }
      if (!hasEncryptionKey)
        throw new Error(
          'There is no KEY_SET_ENCRYPTION_KEY here. Set it, or run the command in the folder where the service has started with this ACCESS_TOKEN_ALG.',
        );
      if (isForeignSet(await list()))
        throw new Error(
          'KEY_SET_ENCRYPTION_KEY is not the one of the service, so the service could not open a new key. Run the command with the environment and the DATA_DIR of the service.',
        );
      const rotated = await rotateKey({ ...keyDeps, alg })(atOnce);
      if (rotated === null) throw new Error(CHANGED);
      return rotated;
    },

    async retire(id) {
      const retired = await retireKey({ ...keyDeps, alg })(id);
      if (retired === 'unknown') throw new Error(`There is no key ${id}. List the keys to see their ids.`);
      if (retired === 'changed') throw new Error(CHANGED);
      return retired;
    },
  };
}

/** Whether every key is refused, and some of them because another encryption key sealed them. */
function isForeignSet(keys: readonly KeyInSet[]): boolean {
  return keys.every(({ fault }) => fault !== null) && keys.some(({ fault }) => fault?.isSealedElsewhere);
}

export function createFileKeySetAdmin(
  { keySet, policy }: KeySetAndPolicy,
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
