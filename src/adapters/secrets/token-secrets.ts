import { createSecretKey, type KeyObject } from 'node:crypto';
import { Refusal } from '../../domain/refusal.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import type { GenerationFacts, Scheme, TokenSecrets } from '../../ports/security/token-secrets.ts';
import { asUuid, keyed } from './keyed.ts';
import { freshBytes } from './random.ts';
import { type Argon2Cost, formatScheme, type ParsedScheme, parseScheme } from './scheme.ts';

/** A password-grade hash of 32 bytes. */
export type SlowHash = (material: Buffer, salt: Buffer, cost: Argon2Cost) => Promise<Buffer>;

interface Options {
  /** Newest first: the first makes, all of them check. */
  readonly keys: readonly NamedKey[];
  readonly hasher: 'hmac-sha512' | 'argon2id';
  readonly argon2Cost: Argon2Cost;
  readonly argon2id: SlowHash;
}

/** Half of the MAC: 256 bits are kept of it (truncation: RFC 2104 section 5). */
const HASH_BYTES = 32;

/** The secrets of tokens over node:crypto. */
export function createTokenSecrets({ keys, hasher, argon2Cost, argon2id }: Options): TokenSecrets {
  const keysById = new Map(keys.map(({ id, bytes }) => [id, createSecretKey(bytes)]));
  const [newest] = keys;
  if (newest === undefined) throw new Error('At least one hash key is needed.');

  const schemeUnder = (keyId: string): Scheme =>
    formatScheme(hasher === 'argon2id' ? { hasher, cost: argon2Cost, keyId } : { hasher, keyId });

  return {
    scheme: schemeUnder(newest.id),

    newSeed: () => freshBytes(16),

    derive: (scheme, facts) => derive(resolve(scheme).key, facts),

    prove(claims) {
      const facts = { ...claims, userId: claims.sub };
      for (const [id, key] of keysById) {
        if (linkerIdOf(key, facts, claims.jti) === claims.linkerId) return schemeUnder(id);
      }
      return null;
    },

    async hashJti(scheme, tokenFamily, jti) {
      const { key, parsed } = resolve(scheme);
      const mac = keyed(key, 'jti hash', tokenFamily, jti).subarray(0, HASH_BYTES);
      if (parsed.hasher === 'hmac-sha512') return mac.toString('base64url');
      // Salted by the family: the same jti gives the same hash, so that a rotation stays one compare-and-set.
      const salt = keyed(key, 'jti salt', tokenFamily).subarray(0, 16);
      return (await argon2id(mac, salt, parsed.cost)).toString('base64url');
    },

    hashRetryKey: (scheme, tokenFamily, key) =>
      keyed(resolve(scheme).key, 'idempotency key', tokenFamily, key)
        .subarray(0, HASH_BYTES)
        .toString('base64url'),
  };

  function resolve(scheme: Scheme): { parsed: ParsedScheme; key: KeyObject } {
    const parsed = parseScheme(scheme);
    const key = parsed && keysById.get(parsed.keyId);
    if (!parsed || !key) {
      const cause = new Error(
        `A session was hashed under "${scheme}", whose key is not in REFRESH_TOKEN_HASH_KEY.`,
      );
      throw new Refusal('unavailable', 'This session cannot be judged at the moment.', { cause });
    }
    return { parsed, key };
  }
}

function derive(key: KeyObject, facts: GenerationFacts) {
  const { tokenFamily, generation, seed } = facts;
  const jti = asUuid(keyed(key, 'jti', tokenFamily, String(generation), seed));
  return { jti, linkerId: linkerIdOf(key, facts, jti) };
}

function linkerIdOf(
  key: KeyObject,
  { tokenFamily, generation, userId }: Omit<GenerationFacts, 'seed'>,
  jti: string,
): string {
  return asUuid(keyed(key, 'linker id', tokenFamily, String(generation), userId, jti));
}
