import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { CompactSign, type CryptoKey, compactVerify } from 'jose';
import type { NamedKey } from '../../ports/security/named-key.ts';

/** A key that verifies tokens, and may sign them. The key decides the algorithm, never the token. */
export interface TokenKey {
  readonly id: string;
  readonly alg: string;
  /** Returns the compact JWS of a payload, with a header of `alg`, `typ` and `kid`. Null without a private part. */
  readonly sign: ((typ: string, payload: string) => string | Promise<string>) | null;
  /** Whether the signature of a compact JWS is valid under this key. */
  readonly verify: (token: string) => boolean | Promise<boolean>;
}

/** Makes a token key from a key pair, or from the public key alone. */
export function createAsymmetricKey(
  id: string,
  alg: string,
  publicKey: CryptoKey,
  privateKey: CryptoKey | null,
): TokenKey {
  return {
    id,
    alg,
    sign:
      privateKey &&
      ((typ, payload) =>
        new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg, typ, kid: id }).sign(privateKey)),
    verify: (token) =>
      compactVerify(token, publicKey, { algorithms: [alg] }).then(
        () => true,
        () => false,
      ),
  };
}

const HMAC_ALG = 'HS512';

/**
 * Makes a token key for HMAC-SHA-512 (RFC 7518 section 3.2). Uses the synchronous node:crypto, because each refresh
 * signs and verifies several times. WebCrypto moves every call to another thread, which is several times slower.
 */
export function createHmacKey({ id, bytes }: NamedKey): TokenKey {
  const key = createSecretKey(bytes);
  const macOf = (input: string) => createHmac('sha512', key).update(input).digest();
  return {
    id,
    alg: HMAC_ALG,
    sign(typ, payload) {
      const header = JSON.stringify({ alg: HMAC_ALG, typ, kid: id });
      const input = `${base64url(header)}.${base64url(payload)}`;
      return `${input}.${macOf(input).toString('base64url')}`;
    },
    verify(token) {
      const end = token.lastIndexOf('.');
      const signature = Buffer.from(token.slice(end + 1), 'base64url');
      const expected = macOf(token.slice(0, end));
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
