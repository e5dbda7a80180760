import type { RefreshClaims } from '../../domain/token-pair.ts';

/** Names how hashes and derivations of a row were made: hasher, its parameters, key id. */
export type Scheme = string;

/** What makes a generation what it is; together with the hash key it yields the ids of its tokens. */
export interface GenerationFacts {
  readonly tokenFamily: string;
  readonly generation: number;
  readonly userId: string;
  readonly seed: Uint8Array;
}

/** The refresh token's id, and the one that ties both halves of the pair. */
export interface TokenIds {
  readonly jti: string;
  readonly linkerId: string;
}

/**
 * Everything that the hash key is used for. Methods that take a scheme reject with a {@link Refusal}
 * `unavailable` if its key is not configured: that is a fault of configuration, and never a verdict on a token.
 */
export interface TokenSecrets {
  /** The scheme of rows made now. */
  readonly scheme: Scheme;

  /** 16 fresh random bytes. */
  newSeed(): Uint8Array;

  /** The ids of the tokens of a generation: the same facts under the same scheme give the same ids. */
  derive(scheme: Scheme, facts: GenerationFacts): TokenIds;

  /**
   * The scheme under which a token was minted if its `linkerId` derives from its `jti` under a configured key,
   * as far as a token can tell; else null: it was signed by somebody who does not hold the hash key.
   */
  prove(claims: RefreshClaims): Scheme | null;

  /** Keyed hash of a jti, base64url. The family is part of what is hashed. */
  hashJti(scheme: Scheme, tokenFamily: string, jti: string): Promise<string>;

  /** Keyed hash of an `Idempotency-Key`, base64url. */
  hashRetryKey(scheme: Scheme, tokenFamily: string, key: string): string;
}
