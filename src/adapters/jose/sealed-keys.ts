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
import type { KeyTurn, SigningKey } from '../../domain/key-set.ts';
import type { CheckKey, MakeKey } from '../../ports/security/key-maker.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import type { SealedKey } from '../../ports/stores/signing-keys.ts';
import { importKey, UnusableKey } from './import-key.ts';
import type { OpenKey } from './key-set.ts';

/** A private header parameter (RFC 7516 section 4.3): number, announcement and first use, the times in milliseconds. */
const TURN = 'kinship_turn';

/**
 * Keys as they are kept in the database: a JWE (RFC 7516) of the whole key, `dir` and A256GCM, under a key that the
 * database does not know. What cannot be opened is not used, and neither is its public part: else whoever can write
 * to the database could have tokens of his own accepted. The protected header holds the number and the times of the key:
 * a row that has others is refused. A key that an earlier version sealed has none there, and is not bound to them.
 *
 * @param encryptionKeys newest first: the first seals, all of them open
 */
export function createSealedKeys(encryptionKeys: readonly NamedKey[]) {
  const keys = encryptionKeys.map(({ id, bytes }) => ({ id, key: derivedKey(bytes) }));

  const make: MakeKey = async (alg, turn) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(privateKey);
    return { id: await calculateJwkThumbprint(jwk), alg, ...turn, sealed: await seal(jwk, turn) };
  };

  async function seal(jwk: JWK, { number, announcedAt, signsFrom }: KeyTurn): Promise<string> {
    const [newest] = keys;
    if (newest === undefined) throw new Error('At least one encryption key is needed.');
    return new CompactEncrypt(Buffer.from(JSON.stringify(jwk)))
      .setProtectedHeader({
        alg: 'dir',
        enc: 'A256GCM',
        kid: newest.id,
        [TURN]: [number, announcedAt, signsFrom],
      })
      .encrypt(newest.key);
  }

  /** Rejects with {@link UnusableKey}. */
  async function open({ sealed, wasRemoved, ...facts }: SealedKey): Promise<OpenKey> {
    if (wasRemoved) throw new UnusableKey('was removed, and has been put back into the database');
    const { jwk, turn } = await unsealed(sealed);
    if (turn !== undefined && !isSameTurn(turn, facts))
      throw new UnusableKey('has another number or other times than those it was sealed with');
    if ((await calculateJwkThumbprint(jwk)) !== facts.id)
      throw new UnusableKey('is another key than its row says');
    return { ...facts, ...(await importKey(jwk, facts.id, facts.alg)) };
  }

  async function unsealed(sealed: string): Promise<{ jwk: JWK; turn: unknown }> {
    try {
      const { kid } = decodeProtectedHeader(sealed);
      const key = keys.find(({ id }) => id === kid)?.key;
      if (key === undefined) throw new Error(`sealed under the encryption key ${kid}`);
      const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, options);
      return { jwk: JSON.parse(Buffer.from(plaintext).toString()), turn: protectedHeader[TURN] };
    } catch (cause) {
      throw new UnusableKey('cannot be opened by a key in KEY_SET_ENCRYPTION_KEY', { cause });
    }
  }

  const check: CheckKey = async (key) => {
    try {
      await open(key);
      return null;
    } catch (error) {
      if (error instanceof UnusableKey) return error.message;
      throw error;
    }
  };

  return { make, open, check };
}

function isSameTurn(sealed: unknown, { number, announcedAt, signsFrom }: SigningKey): boolean {
  return JSON.stringify(sealed) === JSON.stringify([number, announcedAt, signsFrom]);
}

/** HKDF (RFC 5869), so that a secret of any length gives a key of the right one, for this use alone. */
function derivedKey(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', 'kinship signing keys', 32));
}
