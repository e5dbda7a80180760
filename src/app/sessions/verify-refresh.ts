import type { ClientInfo } from '../../domain/client-info.ts';
import type { PresentedDpopProof } from '../../domain/dpop.ts';
import type { OAuthClient } from '../../domain/oauth-client.ts';
import { Refusal } from '../../domain/refusal.ts';
import { judgePair, type RefreshClaims } from '../../domain/token-pair.ts';
import type { HashScheme } from '../../ports/security/token-secrets.ts';
import { type ReadRefreshDeps, readRefreshToken } from '../tokens/read-refresh-token.ts';
import { type BindingProofDeps, requireSessionKeyProof } from './require-session-key-proof.ts';

/** The sender of a refresh, and what it states besides the tokens. */
export interface RefreshCaller {
  /** 1 to 255 visible characters. */
  readonly idempotencyKey: string | null;
  readonly client: ClientInfo;
  /** The client that the request names or authenticates as; null if it does neither. */
  readonly oauthClient: OAuthClient | null;
  readonly presented: PresentedDpopProof;
}

export interface RefreshInput extends RefreshCaller {
  readonly refreshToken: string;
  readonly accessToken: string | null;
  /** The session that the client names, if any. The refresh token must belong to it. */
  readonly sessionId?: string;
}

export interface VerifiedRefresh {
  readonly claims: RefreshClaims;
  /** The assumed scheme of the row: the configured hash function, with the hash key that derived the token's ids. */
  readonly scheme: HashScheme;
}

/** Runs the checks that need no database row (rows 1 to 5 of docs/domain.md). Rejects with a {@link Refusal}. */
export async function verifyRefresh(
  deps: ReadRefreshDeps & BindingProofDeps,
  { refreshToken, accessToken, sessionId, presented, client }: RefreshInput,
  now: number,
): Promise<VerifiedRefresh> {
  const access = accessToken === null ? null : deps.codec.readAccessHalf(accessToken);
  const { claims, scheme } = await readRefreshToken(deps, refreshToken);
  await requireSessionKeyProof(deps, claims, presented, client);
  if (sessionId !== undefined && sessionId !== claims.tokenFamily)
    throw new Refusal('pair_mismatch', 'The refresh token is of another session.');
  const fault = judgePair(claims, access, now);
  if (fault !== null) throw new Refusal(fault);
  return { claims, scheme };
}
