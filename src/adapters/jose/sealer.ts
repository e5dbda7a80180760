import { hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import type { NamedKey } from '../../ports/security/named-key.ts';
import { decodeSegment } from './compact.ts';

interface Opened {
  readonly text: string;
  /** The protected header, authenticated together with the text. */
  readonly header: Readonly<Record<string, unknown>>;
}

/** The text was sealed under a key that the sealer does not have. */
export class UnknownSealingKey extends Error {
  constructor(id: unknown) {
    super(`sealed under the encryption key with the id ${id}`);
  }
}

/**
 * Creates a sealer, which encrypts text as a compact JWE (RFC 7516), `dir` and A256GCM. Each purpose has its own keys,
 * which HKDF (RFC 5869) derives from the given keys.
 *
 * @param keys newest first: the first key seals, all keys open
 */
export function createSealer(keys: readonly NamedKey[], purpose: string) {
  const derived = keys.map(({ id, bytes }) => ({
    id,
    key: new Uint8Array(hkdfSync('sha256', bytes, '', purpose, 32)),
  }));

  return {
    /**
     * Encrypts a text. The private header parameters (RFC 7516 section 4.3) are authenticated together with the text,
     * but not encrypted.
     */
    async seal(text: string, parameters: object = {}): Promise<string> {
      const [newest] = derived;
      if (newest === undefined) throw new Error('At least one encryption key is needed.');
      return new CompactEncrypt(Buffer.from(text))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: newest.id, ...parameters })
        .encrypt(newest.key);
    },

    /** Decrypts a sealed text. Rejects if the text was altered, or its key is not one of the keys. */
    async open(sealed: string): Promise<Opened> {
      if (sealed.split('.').some((segment) => decodeSegment(segment) === null))
        throw new Error('a segment is not canonical base64url');
      const { kid } = decodeProtectedHeader(sealed);
      const key = derived.find(({ id }) => id === kid)?.key;
      if (key === undefined) throw new UnknownSealingKey(kid);
      const options = { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] };
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, options);
      return { text: Buffer.from(plaintext).toString(), header: protectedHeader };
    },

    /** Whether the header of the sealed text names the newest key. */
    isSealedByNewest: (sealed: string): boolean => decodeProtectedHeader(sealed).kid === derived[0]?.id,
  };
}
