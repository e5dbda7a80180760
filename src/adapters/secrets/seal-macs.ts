import type { NamedKey } from '../../ports/security/named-key.ts';
import type { SealMacs } from '../../ports/security/seal-macs.ts';
import { deriveKey, keyedHash } from './keyed.ts';

/** Creates the MACs of the audit log under keys that are derived from the hash keys, newest first. */
export function createSealMacs(hashKeys: readonly NamedKey[]): SealMacs {
  const [newest] = hashKeys;
  if (newest === undefined) throw new Error('At least one hash key is needed.');
  const keys = new Map(hashKeys.map(({ id, bytes }) => [id, deriveKey(bytes, 'kinship audit seal')]));

  return {
    keyId: newest.id,

    mac(keyId, subject, parts) {
      const key = keys.get(keyId);
      if (key === undefined) return null;
      return keyedHash(key, `audit ${subject}`, ...parts)
        .subarray(0, 32)
        .toString('base64url');
    },
  };
}
