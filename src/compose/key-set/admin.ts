import { readFile } from 'node:fs/promises';
import { readKeyFile } from '../../adapters/jose/key-file.ts';
import { createSealedKeys } from '../../adapters/jose/sealed-keys.ts';
import type { KeyDeps } from '../../app/keys/announce-key.ts';
import { type KeyInSet, listKeys } from '../../app/keys/list-keys.ts';
import { type Retired, retireKey } from '../../app/keys/retire-key.ts';
import { type Rotated, rotateKey } from '../../app/keys/rotate-key.ts';
import { keySetTiming } from '../../domain/key-set.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SigningKeys } from '../../ports/stores/signing-keys.ts';
import type { KeySetOptions } from './source.ts';

/** What an operator can ask of the set. What cannot be done is rejected with a sentence for the operator. */
export interface KeySetAdmin {
  list(): Promise<readonly KeyInSet[]>;
  rotate(atOnce: boolean): Promise<Rotated>;
  retire(id: string): Promise<Retired>;
}

export function createDatabaseKeySetAdmin(
  { keySet, policy }: KeySetOptions,
  deps: Pick<KeyDeps, 'clock' | 'log' | 'by'> & { readonly signingKeys: SigningKeys },
): KeySetAdmin {
  const { alg, encryptionKeys } = keySet;
  const { make, check } = createSealedKeys(encryptionKeys);
  // With HS512 there may be no encryption key, and then no key of the set is used or can be checked.
  const checkKey = encryptionKeys.length === 0 ? async () => null : check;
  const all = { ...deps, makeKey: make, checkKey, timing: keySetTiming(policy, keySet) };
  return {
    list: listKeys(all),

    async rotate(atOnce) {
      if (alg === null) throw new Error('ACCESS_TOKEN_ALG is HS512: no key set signs access tokens.');
      const rotated = await rotateKey({ ...all, alg })(atOnce);
      if (rotated === null)
        throw new Error('Somebody else changed the keys at the same time: look at the list.');
      return rotated;
    },

    async retire(id) {
      const retired = await retireKey({ ...all, alg })(id);
      if (retired === null) throw new Error(`There is no key ${id}: look at the list.`);
      return retired;
    },
  };
}

export function createFileKeySetAdmin(
  { keySet, policy }: KeySetOptions,
  path: string,
  clock: Clock,
): KeySetAdmin {
  const refuse = async () => {
    throw new Error(`The file rules: with KEY_SET_FILE keys change by changing ${path}.`);
  };
  const signingKeys = { list: async () => readKeyFile(await readFile(path, 'utf8')) };
  return {
    list: listKeys({ signingKeys, checkKey: async () => null, timing: keySetTiming(policy, keySet), clock }),
    rotate: refuse,
    retire: refuse,
  };
}
