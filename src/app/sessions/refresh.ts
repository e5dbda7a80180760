import { byUser } from '../../domain/audit.ts';
import type { Policy } from '../../domain/policy.ts';
import type { RefreshContext } from '../../domain/refresh-context.ts';
import { judgeRefresh } from '../../domain/refresh-verdict.ts';
import { isPaired } from '../../domain/token-pair.ts';
import type { HashScheme } from '../../ports/security/token-secrets.ts';
import { changeEntries } from '../change-entries.ts';
import type { TokenPair } from '../tokens/mint-pair.ts';
import {
  beginExchange,
  buildContext,
  decideFromRow,
  type ExchangeDeps,
  type ExchangeRequest,
  issuePair,
  nullIfUnknown,
  rotationOf,
} from './exchange.ts';
import type { RefreshInput } from './verify-refresh.ts';

export type Refresh = (input: RefreshInput) => Promise<TokenPair>;

/**
 * Exchanges a token pair for its successor: executes the verdict of the domain.
 *
 * Rejects with a {@link Refusal}; with `unavailable` if the database is unavailable. The rotation may have committed
 * then. A retry with the same `Idempotency-Key` gets its pair.
 */
export const refresh =
  (deps: ExchangeDeps): Refresh =>
  async (input) => {
    const request = await beginExchange(deps, 'refresh', input);
    return (await rotateOptimistically(deps, request)) ?? (await rotateFromRow(deps, request));
  };

/**
 * Rotates without reading the row first, so that the usual refresh needs one statement. The expected row is built from
 * the token, the request and the policy. The rotation changes nothing if the real row differs in a column of
 * {@link ExpectedFamily}. Null: the row must be read.
 */
async function rotateOptimistically(deps: ExchangeDeps, request: ExchangeRequest): Promise<TokenPair | null> {
  // A refresh token does not name the OAuth client of its session. So a request with a client must read the row.
  if (request.oauthClient !== null) return null;
  const context = await buildContext(deps, request.scheme, request);
  const verdict = judgeRefresh(expectedFamily(context, request.scheme, deps.policy), context, deps.policy);
  if (verdict.kind !== 'rotate') return null;
  const entries = changeEntries(deps.newId, byUser(request.client), verdict.occurrences);
  const rotation = rotationOf(verdict, context, request);
  const rotated = await nullIfUnknown(deps.families.rotate(rotation, entries));
  return rotated && issuePair(deps, verdict, request, rotated);
}

function rotateFromRow(deps: ExchangeDeps, request: ExchangeRequest): Promise<TokenPair> {
  return decideFromRow(deps, request, {
    rotate: (verdict, context) =>
      deps.families.rotate(
        rotationOf(verdict, context, request),
        changeEntries(deps.newId, byUser(request.client), verdict.occurrences),
      ),
    onRotated: () => {},
  });
}

/** The row that the token, the request and the current policy imply. */
function expectedFamily(
  { claims, hashedTokenId, client, now }: RefreshContext,
  scheme: HashScheme,
  policy: Policy,
) {
  return {
    tokenFamily: claims.tokenFamily,
    userId: claims.sub,
    paired: isPaired(claims),
    clientId: '',
    confidential: false,
    jkt: claims.cnf?.jkt ?? null,
    onAddressChange: policy.onAddressChange,
    onUserAgentChange: policy.onUserAgentChange,
    generation: claims.generation,
    hashedRefreshTokenId: hashedTokenId,
    scheme,
    hashedPreviousTokenId: null,
    retryKeyHash: null,
    address: claims.userIp,
    userAgent: client.userAgent,
    productHash: client.productHash ?? null,
    authentication: { generation: 0 },
    rotatedAt: now,
    expiresAt: Number.POSITIVE_INFINITY,
    revoked: null,
  };
}
