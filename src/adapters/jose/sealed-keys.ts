import { hkdfSync } from 'node:crypto';
import {
  CompactEncrypt,
  calculateJwkThumbprint,
  compactDecrypt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWK,
} from 'jose';
import type { MakeKey } from '../../ports/security/key-maker.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { importKey, UnusableKey } from './import-key.ts';
import type { OpenKey } from './key-set.ts';

/**
 * Keys as they are kept in the database: a JWE (RFC 7516) of the whole key, `dir` and A256GCM, under a key that the
 * database does not know. What cannot be opened is not used, and neither is its public part: else whoever can write
 * to the database could have tokens of his own accepted.
 *
 * @param encryptionKeys newest first: the first seals, all of them open
 */
export function createSealedKeys(encryptionKeys: readonly NamedKey[]) {
  const keys = encryptionKeys.map(({ id, bytes }) => ({ id, key: derivedKey(bytes) }));

  const make: MakeKey = async (alg) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(privateKey);
    return { id: await calculateJwkThumbprint(jwk), alg, sealed: await seal(jwk) };
  };

  async function seal(jwk: JWK): Promise<string> {
    const [newest] = keys;
    if (newest === undefined) throw new Error('At least one encryption key is needed.');
    return new CompactEncrypt(Buffer.from(JSON.stringify(jwk)))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: newest.id })
      .encrypt(newest.key);
  }

  /** Rejects with {@link UnusableKey}. */
  async function open({ sealed, ...facts }: SealedKey): Promise<OpenKey> {
    const jwk = await unsealed(sealed);
    if ((await calculateJwkThumbprint(jwk)) !== facts.id)
      throw new UnusableKey('is another key than its row says');
    return { ...facts, ...(await importKey(jwk, facts.id, facts.alg)) };
  }

  async function unsealed(sealed: string): Promise<JWK> {
    try {
      const { kid } = decodeProtectedHeader(sealed);
      const key = keys.find(({ id }) => id === kid)?.key;
      if (key === undefined) throw new Error(`sealed under the encryption key ${kid}`);
      const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
      const { plaintext } = await compactDecrypt(sealed, key, options);
      return JSON.parse(Buffer.from(plaintext).toString());
    } catch (cause) {
      throw new UnusableKey('cannot be opened by a key in KEY_SET_ENCRYPTION_KEY', { cause });
    }
  }

  return { make, open };
}

/** HKDF (RFC 5869), so that a secret of any length gives a key of the right one, for this use alone. */
function derivedKey(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', 'kinship signing keys', 32));
}
