import { createSecretKey, type KeyObject } from 'node:crypto';
import { Refusal } from '../../domain/refusal.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import type { GenerationFacts, HashScheme, TokenSecrets } from '../../ports/security/token-secrets.ts';
import { keyedHash, toUuid } from './keyed.ts';
import { randomBytesFromPool } from './random.ts';
import { type Argon2Cost, formatScheme, type ParsedScheme, parseScheme } from './scheme.ts';

/** Computes a slow hash (argon2id) of 32 bytes. */
export type SlowHash = (material: Buffer, salt: Buffer, cost: Argon2Cost) => Promise<Buffer>;

interface Options {
  /** Newest first: the first key hashes new rows, all keys verify. */
  readonly keys: readonly NamedKey[];
  readonly hasher: 'hmac-sha512' | 'argon2id';
  readonly argon2Cost: Argon2Cost;
  readonly argon2id: SlowHash;
}

/** A refresh and a step-up must never count as retries of each other. */
const RETRY_KEY_LABELS = { refresh: 'idempotency key', step_up: 'idempotency key of a step-up' } as const;

/** Stored hashes are MACs truncated to 256 bits (RFC 2104 section 5). */
const HASH_BYTES = 32;

/** Creates the token secrets with node:crypto. */
export function createTokenSecrets({ keys, hasher, argon2Cost, argon2id }: Options): TokenSecrets {
  const keysById = new Map(keys.map(({ id, bytes }) => [id, createSecretKey(bytes)]));
  const [newest] = keys;
  if (newest === undefined) throw new Error('At least one hash key is needed.');

  const schemeUnder = (keyId: string): HashScheme =>
    formatScheme(hasher === 'argon2id' ? { hasher, cost: argon2Cost, keyId } : { hasher, keyId });

  return {
    scheme: schemeUnder(newest.id),

    newSeed: () => randomBytesFromPool(16),

    derive: (scheme, facts) => derive(resolve(scheme).key, facts),

    findScheme(claims) {
      const facts = { ...claims, userId: claims.sub };
      for (const [id, key] of keysById) {
        if (linkerIdOf(key, facts, claims.jti) === claims.linkerId) return schemeUnder(id);
      }
      return null;
    },

    async hashJti(scheme, tokenFamily, jti) {
      const { key, parsed } = resolve(scheme);
      const mac = keyedHash(key, 'jti hash', tokenFamily, jti).subarray(0, HASH_BYTES);
      if (parsed.hasher === 'hmac-sha512') return mac.toString('base64url');
      // The salt depends on the family only. So a jti always has the same hash, and a rotation is one compare-and-set.
      const salt = keyedHash(key, 'jti salt', tokenFamily).subarray(0, 16);
      return (await argon2id(mac, salt, parsed.cost)).toString('base64url');
    },

    hashRetryKey: (scheme, tokenFamily, { operation, key }) =>
      keyedHash(resolve(scheme).key, RETRY_KEY_LABELS[operation], tokenFamily, key)
        .subarray(0, HASH_BYTES)
        .toString('base64url'),
  };

  function resolve(scheme: HashScheme): { parsed: ParsedScheme; key: KeyObject } {
    const parsed = parseScheme(scheme);
    const key = parsed && keysById.get(parsed.keyId);
    if (!parsed || !key) {
      const cause = new Error(
        `The key of scheme "${scheme}" is missing: add the key that hashed this session to REFRESH_TOKEN_HASH_KEY.`,
      );
      throw new Refusal('unavailable', 'This session cannot be checked at the moment. Try again later.', {
        cause,
      });
    }
    return { parsed, key };
  }
}

function derive(key: KeyObject, facts: GenerationFacts) {
  const { tokenFamily, generation, seed } = facts;
  const jti = toUuid(keyedHash(key, 'jti', tokenFamily, String(generation), seed));
  return { jti, linkerId: linkerIdOf(key, facts, jti) };
}

function linkerIdOf(
  key: KeyObject,
  { tokenFamily, generation, userId }: Omit<GenerationFacts, 'seed'>,
  jti: string,
): string {
  return toUuid(keyedHash(key, 'linker id', tokenFamily, String(generation), userId, jti));
}
