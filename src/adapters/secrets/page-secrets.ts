import type { NamedKey } from '../../ports/security/named-key.ts';
import type { PageSecrets } from '../../ports/security/page-secrets.ts';
import { deriveKey, keyedHash } from './keyed.ts';
import { randomBytesFromPool } from './random.ts';

/** Creates the secrets of account pages under keys that are derived from the hash keys, newest first. */
export function createPageSecrets(hashKeys: readonly NamedKey[]): PageSecrets {
  const [newest, ...older] = hashKeys.map(({ bytes }) => deriveKey(bytes, 'kinship account page'));
  if (newest === undefined) throw new Error('At least one hash key is needed.');

  return {
    create: () => randomBytesFromPool(32).toString('base64url'),

    hash(secret) {
      const under = (key: typeof newest) =>
        keyedHash(key, 'account page', secret).subarray(0, 32).toString('base64url');
      return [under(newest), ...older.map(under)];
    },
  };
}
