import { type CryptoKey, importJWK, type JWK } from 'jose';
import type { KeyAlgorithm } from '../../domain/key-set.ts';
import type { PublicKey } from '../../ports/security/public-key.ts';
import { createAsymmetricKey, type TokenKey } from './token-key.ts';

/** Bits. The minimum of RFC 7518 section 3.3. */
const MIN_MODULUS = 2048;

/** Bits. The signature of a longer key makes an access token with the largest claims longer than 4 KiB. */
const MAX_SIGNING_MODULUS = 3072;

/**
 * A key, or a file of keys, that cannot be used. The message is for the operator and contains no part of a key. Most
 * messages begin with a verb, such as `is incomplete`: callers put the name of the key before the message.
 */
export class UnusableKey extends Error {
  override readonly name: string = 'UnusableKey';
}

/**
 * Imports a key, with its private part if it has one. Rejects with {@link UnusableKey}, also if the private and the
 * public part do not match.
 */
export async function importKey(jwk: JWK, id: string, alg: KeyAlgorithm) {
  const publicKey = publicPart(jwk, id, alg);
  const verifying = await importPart(publicKey, alg);
  const signing = jwk.d === undefined ? null : await importPart({ ...jwk, ...publicKey }, alg);
  const { modulusLength } = verifying.algorithm as { modulusLength?: number };
  if (modulusLength !== undefined && modulusLength < MIN_MODULUS)
    throw new UnusableKey(`is an RSA key of ${modulusLength} bits; the minimum is ${MIN_MODULUS}`);
  if (signing !== null && !(await isPair(signing, verifying)))
    throw new UnusableKey('has a private part that does not match its public part');
  return { ...createAsymmetricKey(id, alg, verifying, signing), alg, publicKey } satisfies TokenKey & {
    publicKey: PublicKey;
  };
}

/** Throws {@link UnusableKey} if the signatures of the key are too long for access tokens. The key may verify. */
export function assertMaySign({ n }: Pick<PublicKey, 'n'>): void {
  if (n === undefined) return;
  const modulusLength = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`).toString(2).length;
  if (modulusLength > MAX_SIGNING_MODULUS)
    throw new UnusableKey(
      `must sign, but is an RSA key of ${modulusLength} bits; the maximum of a key that signs is ${MAX_SIGNING_MODULUS}`,
    );
}

/** The algorithm for the type of a key. The `alg` of the key is not read. Null: the type is not supported. */
export function algorithmOf({ kty, crv }: JWK): KeyAlgorithm | null {
  if (kty === 'OKP' && crv === 'Ed25519') return 'EdDSA';
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  return kty === 'RSA' ? 'RS256' : null;
}

/** Copies member by member, so that no private or unknown member of the key is published. */
function publicPart({ kty = '', crv, x, y, n, e }: JWK, kid: string, alg: KeyAlgorithm): PublicKey {
  const common = { kid, use: 'sig', alg, kty } as const;
  if (alg === 'RS256') return { ...common, n: n ?? '', e: e ?? '' };
  const point = { ...common, crv: crv ?? '', x: x ?? '' };
  return alg === 'ES256' ? { ...point, y: y ?? '' } : point;
}

async function importPart(jwk: JWK, alg: KeyAlgorithm): Promise<CryptoKey> {
  const { key_ops: _operations, ext: _extractable, ...key } = jwk;
  const imported = await importJWK({ ...key, ext: false }, alg).catch((cause) => {
    throw new UnusableKey('is incomplete or malformed', { cause });
  });
  if (imported instanceof Uint8Array) throw new UnusableKey('is a symmetric key, not a key pair');
  return imported;
}

async function isPair(privateKey: CryptoKey, publicKey: CryptoKey): Promise<boolean> {
  const algorithm = { name: publicKey.algorithm.name, hash: 'SHA-256' };
  const probe = new TextEncoder().encode('kinship');
  const signature = await crypto.subtle.sign(algorithm, privateKey, probe);
  return crypto.subtle.verify(algorithm, publicKey, signature, probe);
}
