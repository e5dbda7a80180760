import type { ExchangeKind } from '../../domain/refresh-context.ts';
import type { RefreshClaims } from '../../domain/token-pair.ts';

/** How the hashes and ids of a row were made: hash function, parameters, key id. */
export type HashScheme = string;

/** The facts of a generation. Together with the hash key they yield the ids of its tokens. */
export interface GenerationFacts {
  readonly tokenFamily: string;
  readonly generation: number;
  readonly userId: string;
  readonly seed: Uint8Array;
}

/** The refresh token's id, and the id that both tokens of the pair carry. */
export interface TokenIds {
  readonly jti: string;
  readonly linkerId: string;
}

/** The `Idempotency-Key` of a request, and what the request is for. */
export interface RetryKey {
  readonly operation: ExchangeKind;
  readonly key: string;
}

/**
 * The uses of the hash key for tokens. Methods that take a scheme throw or reject with a {@link Refusal} `unavailable`
 * if its key is not configured. That is a configuration error and says nothing about the token.
 */
export interface TokenSecrets {
  /** The scheme of new rows. */
  readonly scheme: HashScheme;

  /** 16 new random bytes. */
  newSeed(): Uint8Array;

  /** Derives the token ids of a generation. The same facts under the same scheme give the same ids. */
  derive(scheme: HashScheme, facts: GenerationFacts): TokenIds;

  /**
   * Finds the configured key under which the `linkerId` derives from the `jti`. Returns the scheme of that key with the
   * configured hash function, which the row may not have. Null: the signer does not hold a hash key.
   */
  findScheme(claims: RefreshClaims): HashScheme | null;

  /** Keyed hash of a jti, base64url. The family id is part of the hashed input. */
  hashJti(scheme: HashScheme, tokenFamily: string, jti: string): Promise<string>;

  /** Keyed hash of an `Idempotency-Key`, base64url. Each operation gives another hash. */
  hashRetryKey(scheme: HashScheme, tokenFamily: string, { operation, key }: RetryKey): string;
}
