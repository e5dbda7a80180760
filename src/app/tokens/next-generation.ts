import type { ClientInfo } from '../../domain/client-info.ts';
import type { Policy } from '../../domain/policy.ts';
import type { CurrentPair } from '../../domain/token-family.ts';
import { tokenExpiries } from '../../domain/token-family.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { RetryKey, TokenIds, TokenSecrets } from '../../ports/security/token-secrets.ts';

interface Deps {
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly policy: Policy;
}

interface GenerationInput {
  readonly tokenFamily: string;
  readonly userId: string;
  /** The refresh token that the new generation replaces; null at login. */
  readonly previous: { readonly generation: number; readonly jti: string } | null;
  readonly retryKey: RetryKey | null;
  readonly client: ClientInfo;
}

/** A generation of a family: the columns of its pair, and the ids of its two tokens. */
export interface Generation {
  readonly pair: CurrentPair;
  readonly ids: TokenIds;
}

/** Makes the next generation of a family: a new seed, under the current scheme, keys and lifetimes. */
export async function nextGeneration(
  { codec, secrets, policy }: Deps,
  { tokenFamily, userId, previous, retryKey, client }: GenerationInput,
  now: number,
): Promise<Generation> {
  const { scheme } = secrets;
  const generation = previous === null ? 0 : previous.generation + 1;
  const seed = secrets.newSeed();
  const ids = secrets.derive(scheme, { tokenFamily, generation, userId, seed });
  const pair = {
    generation,
    hashedRefreshTokenId: await secrets.hashJti(scheme, tokenFamily, ids.jti),
    hashedPreviousTokenId: previous && (await secrets.hashJti(scheme, tokenFamily, previous.jti)),
    retryKeyHash: retryKey && secrets.hashRetryKey(scheme, tokenFamily, retryKey),
    scheme,
    seed,
    ...codec.signingKeys,
    ...tokenExpiries(now, policy),
    address: client.address,
    userAgent: client.userAgent,
    productHash: client.productHash ?? null,
    rotatedAt: now,
  };
  return { pair, ids };
}
