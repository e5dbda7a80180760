import type { ClientInfo } from '../../domain/events.ts';
import type { OAuthClient } from '../../domain/oauth-client.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Presented } from '../../domain/refresh-verdict.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type CurrentPair, expiriesFrom } from '../../domain/token-family.ts';
import { judgePair, type RefreshClaims } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { Scheme, TokenIds, TokenSecrets } from '../../ports/security/token-secrets.ts';
import { readRefreshToken } from './read-refresh-token.ts';

export interface RefreshInput {
  readonly refreshToken: string;
  readonly accessToken: string | null;
  /** The session that the client names, if any. The refresh token must belong to it. */
  readonly sessionId?: string;
  /** 1 to 255 visible characters. */
  readonly idempotencyKey: string | null;
  readonly client: ClientInfo;
  /** The client that the request names or authenticates as; null if it does neither. */
  readonly oauthClient: OAuthClient | null;
}

/** A verified request and its next pair. All rounds of the request use the same next pair. */
export interface Attempt {
  readonly claims: RefreshClaims;
  /** The scheme of the refresh token, as far as the token shows it. */
  readonly scheme: Scheme;
  readonly next: CurrentPair;
  /** The token ids of `next`. */
  readonly nextIds: TokenIds;
  readonly now: number;
  readonly oauthClient: OAuthClient | null;
  /** The request with its hashes made under the scheme of a row. */
  present(scheme: Scheme): Promise<Presented>;
}

interface Deps {
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
  readonly policy: Policy;
  readonly clock: Clock;
}

/** Runs the checks of a refresh that need no row, and prepares the next pair. Rejects with a {@link Refusal}. */
export const beginRefresh =
  (deps: Deps) =>
  async (input: RefreshInput): Promise<Attempt> => {
    const now = deps.clock();
    const { claims, scheme } = await verify(deps, input, now);
    const { next, nextIds } = await prepareNext(deps, claims, input, now);
    return {
      claims,
      scheme,
      next,
      nextIds,
      now,
      oauthClient: input.oauthClient,
      present: (under) => present(deps, { claims, next }, input, under),
    };
  };

async function verify(deps: Deps, input: RefreshInput, now: number) {
  const { codec } = deps;
  const { refreshToken, accessToken, sessionId } = input;
  const access = accessToken === null ? null : codec.readAccessHalf(accessToken);
  const { claims, scheme } = await readRefreshToken(deps)(refreshToken);
  if (sessionId !== undefined && sessionId !== claims.tokenFamily)
    throw new Refusal('pair_mismatch', 'The refresh token is of another session.');
  const fault = judgePair(claims, access, now);
  if (fault !== null) throw new Refusal(fault);
  return { claims, scheme };
}

async function prepareNext(
  { secrets, codec, policy }: Deps,
  { tokenFamily, generation, sub, jti }: RefreshClaims,
  { idempotencyKey, client }: RefreshInput,
  now: number,
): Promise<Pick<Attempt, 'next' | 'nextIds'>> {
  const { scheme } = secrets;
  const following = { tokenFamily, generation: generation + 1, userId: sub, seed: secrets.newSeed() };
  const nextIds = secrets.derive(scheme, following);
  const { accessKeyId, refreshKeyId } = codec.signingKeys;
  const { accessExpiresAt, refreshExpiresAt } = expiriesFrom(now, policy);
  const next = {
    generation: following.generation,
    hashedRefreshTokenId: await secrets.hashJti(scheme, tokenFamily, nextIds.jti),
    previousHash: await secrets.hashJti(scheme, tokenFamily, jti),
    retryKeyHash: idempotencyKey && secrets.hashRetryKey(scheme, tokenFamily, idempotencyKey),
    scheme,
    seed: following.seed,
    accessKeyId,
    refreshKeyId,
    accessExpiresAt,
    refreshExpiresAt,
    address: client.address,
    userAgent: client.userAgent,
    productHash: client.productHash ?? null,
    rotatedAt: now,
  };
  return { next, nextIds };
}

async function present(
  { secrets }: Deps,
  { claims, next }: Pick<Attempt, 'claims' | 'next'>,
  { idempotencyKey, client, oauthClient }: RefreshInput,
  under: Scheme,
): Promise<Presented> {
  const { tokenFamily, jti } = claims;
  const known = under === next.scheme ? next.previousHash : null;
  return {
    claims,
    client,
    oauthClient,
    hash: known ?? (await secrets.hashJti(under, tokenFamily, jti)),
    retryKeyHash: idempotencyKey && secrets.hashRetryKey(under, tokenFamily, idempotencyKey),
  };
}
