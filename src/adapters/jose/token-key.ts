import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { CompactSign, type CryptoKey, compactVerify } from 'jose';
import type { NamedKey } from '../../ports/security/named-key.ts';

/** A key of tokens. Its algorithm is its own: no token chooses one. */
export interface TokenKey {
  readonly id: string;
  readonly alg: string;
  /** The compact JWS of a payload, with a header of `alg`, `typ` and `kid`. Null: only the public part is known. */
  readonly sign: ((typ: string, payload: string) => string | Promise<string>) | null;
  /** Whether the last segment of a compact JWS is the signature of the others under this key. */
  readonly verify: (token: string) => boolean | Promise<boolean>;
}

/** A pair of keys, or the public one alone, over jose. */
export function keyPair(id: string, alg: string, check: CryptoKey, sign: CryptoKey | null): TokenKey {
  return {
    id,
    alg,
    sign:
      sign &&
      ((typ, payload) =>
        new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg, typ, kid: id }).sign(sign)),
    verify: (token) =>
      compactVerify(token, check, { algorithms: [alg] }).then(
        () => true,
        () => false,
      ),
  };
}

const HMAC_ALG = 'HS512';

/**
 * A key of HMAC-SHA-512 (RFC 7518 section 3.2). Every refresh signs and verifies with it several times over: done
 * at once, by node:crypto, that costs a fraction of what WebCrypto takes to hand each to another thread.
 */
export function hmacKey({ id, bytes }: NamedKey): TokenKey {
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
