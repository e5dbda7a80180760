import type { NamedKey } from '../../ports/security/named-key.ts';
import { deriveKey, keyedHash } from './keyed.ts';

/**
 * Creates a function that hashes user names and mail addresses for the log. The key serves no other purpose. It is
 * derived from the newest hash key (RFC 5869).
 */
export function createIdentifierHash([newest]: readonly NamedKey[]): (identifier: string) => string {
  if (newest === undefined) throw new Error('At least one hash key is needed.');
  const key = deriveKey(newest.bytes, 'kinship log identifier');
  return (identifier) => keyedHash(key, 'log identifier', identifier).subarray(0, 16).toString('base64url');
}
