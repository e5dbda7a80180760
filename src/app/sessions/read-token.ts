import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { AccessClaims, RefreshClaims } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';

export interface ReadTokenDeps {
  readonly codec: TokenCodec;
  readonly secrets: TokenSecrets;
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
export const readToken = ({ codec, secrets, policy, clock }: ReadTokenDeps) => {
  return async (token: string): Promise<OurToken | null> =>
    (await asRefresh(token)) ?? (await asAccess(token));

  async function asRefresh(token: string): Promise<OurToken | null> {
    const claims = await unlessRefused(codec.readRefresh(token));
    if (claims === null || secrets.prove(claims) === null) return null;
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
