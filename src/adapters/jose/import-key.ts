import { type CryptoKey, importJWK, type JWK } from 'jose';
import type { KeyAlgorithm } from '../../domain/key-set.ts';
import type { PublicKey } from '../../ports/security/public-key.ts';
import { keyPair, type TokenKey } from './token-key.ts';

/** The least that RFC 7518 section 3.3 allows. */
const LEAST_MODULUS = 2048;

/** Why a key cannot be used, in words for the operator that tell nothing of the key. */
export class UnusableKey extends Error {
  override readonly name = 'UnusableKey';
}

/**
 * The key in both its parts, or its public part alone if that is all there is.
 * Rejects with {@link UnusableKey}, also where the two parts do not belong together.
 */
export async function importKey(jwk: JWK, id: string, alg: KeyAlgorithm) {
  const publicKey = publicPart(jwk, id, alg);
  const check = await imported(publicKey, alg);
  const sign = jwk.d === undefined ? null : await imported({ ...jwk, ...publicKey }, alg);
  const { modulusLength } = check.algorithm as { modulusLength?: number };
  if (modulusLength !== undefined && modulusLength < LEAST_MODULUS)
    throw new UnusableKey(`is an RSA key of ${modulusLength} bits; ${LEAST_MODULUS} is the least`);
  if (sign !== null && !(await isPair(sign, check)))
    throw new UnusableKey('has a private part that does not belong to its public part');
  return { ...keyPair(id, alg, check, sign), alg, publicKey } satisfies TokenKey & { publicKey: PublicKey };
}

/** The algorithm that a key of this kind signs by, whatever it says itself; null for a kind that is not for us. */
export function algorithmOf({ kty, crv }: JWK): KeyAlgorithm | null {
  if (kty === 'OKP' && crv === 'Ed25519') return 'EdDSA';
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  return kty === 'RSA' ? 'RS256' : null;
}

/** Member by member: whatever else is in the key stays where it is. */
function publicPart({ kty = '', crv, x, y, n, e }: JWK, kid: string, alg: KeyAlgorithm): PublicKey {
  const common = { kid, use: 'sig', alg, kty } as const;
  if (alg === 'RS256') return { ...common, n: n ?? '', e: e ?? '' };
  const point = { ...common, crv: crv ?? '', x: x ?? '' };
  return alg === 'ES256' ? { ...point, y: y ?? '' } : point;
}

async function imported(jwk: JWK, alg: KeyAlgorithm): Promise<CryptoKey> {
  const { key_ops: _operations, ext: _extractable, ...key } = jwk;
  const ready = await importJWK({ ...key, ext: false }, alg).catch((cause) => {
    throw new UnusableKey('is not a whole key', { cause });
  });
  if (ready instanceof Uint8Array) throw new UnusableKey('is a secret, and no pair of keys');
  return ready;
}

async function isPair(sign: CryptoKey, check: CryptoKey): Promise<boolean> {
  const algorithm = { name: check.algorithm.name, hash: 'SHA-256' };
  const probe = new TextEncoder().encode('kinship');
  const signature = await crypto.subtle.sign(algorithm, sign, probe);
  return crypto.subtle.verify(algorithm, check, signature, probe);
}
