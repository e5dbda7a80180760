import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { AccessClaims, RefreshClaims } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import { type ReadRefreshDeps, readRefreshToken } from './read-refresh-token.ts';

export interface ReadTokenDeps extends ReadRefreshDeps {
  readonly policy: Pick<Policy, 'clockSkew'>;
  readonly clock: Clock;
}

/** A verified token of either type, with its session and user. */
export type VerifiedToken = { readonly sessionId: string; readonly userId: string } & (
  | { readonly type: 'access'; readonly claims: AccessClaims }
  | { readonly type: 'refresh'; readonly claims: RefreshClaims }
);

/**
 * Verifies a token of unknown type; null if this service did not issue it. An expired access token also gives null,
 * but the times of a refresh token are not checked. Does not check whether the session is live.
 */
export async function readToken(deps: ReadTokenDeps, token: string): Promise<VerifiedToken | null> {
  return (await readAsRefresh(deps, token)) ?? (await readAsAccess(deps, token));
}

async function readAsRefresh(deps: ReadTokenDeps, token: string): Promise<VerifiedToken | null> {
  const found = await nullIfRefused(readRefreshToken(deps, token));
  if (found === null) return null;
  const { claims } = found;
  return { type: 'refresh', claims, sessionId: claims.tokenFamily, userId: claims.sub };
}

async function readAsAccess(
  { codec, policy, clock }: ReadTokenDeps,
  token: string,
): Promise<VerifiedToken | null> {
  const claims = await nullIfRefused(codec.verifyAccess(token, clock(), policy.clockSkew));
  return claims && { type: 'access', claims, sessionId: claims.sid, userId: claims.sub };
}

/** Turns a refusal of the token into null. `unavailable` still rejects: it says nothing about the token. */
async function nullIfRefused<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'unavailable') return null;
    throw error;
  }
}
