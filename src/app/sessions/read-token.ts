import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { AccessClaims, RefreshClaims } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import { type ReadRefreshDeps, readRefreshToken } from './read-refresh-token.ts';

export interface ReadTokenDeps extends ReadRefreshDeps {
  readonly policy: Pick<Policy, 'clockSkew'>;
  readonly clock: Clock;
}

/** A verified token of either type, and the session that it speaks of. */
export type OurToken = { readonly sessionId: string; readonly userId: string } & (
  | { readonly type: 'access'; readonly claims: AccessClaims }
  | { readonly type: 'refresh'; readonly claims: RefreshClaims }
);

/**
 * A token of which nobody said what it is; null for whatever is not of ours. An access token has to be in time,
 * while one that refreshes is not judged by the clock. Whether the session goes on is another question.
 */
export const readToken = (deps: ReadTokenDeps) => {
  const { codec, policy, clock } = deps;
  const readRefresh = readRefreshToken(deps);

  return async (token: string): Promise<OurToken | null> =>
    (await asRefresh(token)) ?? (await asAccess(token));

  async function asRefresh(token: string): Promise<OurToken | null> {
    const found = await unlessRefused(readRefresh(token));
    if (found === null) return null;
    const { claims } = found;
    return { type: 'refresh', claims, sessionId: claims.tokenFamily, userId: claims.sub };
  }

  async function asAccess(token: string): Promise<OurToken | null> {
    const claims = await unlessRefused(codec.verifyAccess(token, clock(), policy.clockSkew));
    return claims && { type: 'access', claims, sessionId: claims.sid, userId: claims.sub };
  }
};

/** Null for a verdict on the token; that nobody could judge it is not one. */
async function unlessRefused<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'unavailable') return null;
    throw error;
  }
}
