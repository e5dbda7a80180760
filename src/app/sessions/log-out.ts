import type { ChangeOrigin } from '../../domain/audit.ts';
import type { PresentedDpopProof } from '../../domain/dpop.ts';
import type { OAuthClient } from '../../domain/oauth-client.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type EndSessionDeps, endAllSessions, endOneSession } from '../revocation/end-sessions.ts';
import type { SessionOfUser } from '../revocation/revoke-family.ts';
import { assertClient, findLiveFamily, isCurrentRefreshToken } from '../tokens/live-family.ts';
import { type ReadRefreshDeps, readRefreshToken } from '../tokens/read-refresh-token.ts';
import { type DpopProofDeps, requireDpopProof } from '../tokens/require-dpop-proof.ts';

/** The sessions to end: the session of the request, the user's other sessions, or all. */
export type LogOutTarget = 'session' | 'others' | 'all';

export type LogOut = (session: SessionOfUser, scope: LogOutTarget, origin: ChangeOrigin) => Promise<void>;

/** Ends sessions at the user's request. A session that has already ended is no error. */
export const logOut =
  (deps: EndSessionDeps): LogOut =>
  async (session, scope, origin) =>
    endWithin(deps, session, scope, origin);

export type LogOutByRefreshToken = (
  refreshToken: string,
  scope: LogOutTarget,
  client: OAuthClient | null,
  presented: PresentedDpopProof,
  origin: ChangeOrigin,
) => Promise<void>;

/**
 * Ends sessions by a refresh token. Any refresh token of a session may end that session. Only the current refresh token
 * of a live session may end other sessions: a stolen token of an ended session must not. If that session is bound,
 * ending other sessions also needs a proof. A confidential session also requires that its client authenticates. Rejects
 * with a {@link Refusal}: `malformed_token`, `invalid_token`, `unauthenticated`, `invalid_dpop_proof`,
 * `use_dpop_nonce`.
 */
export const logOutByRefreshToken =
  (deps: EndSessionDeps & ReadRefreshDeps & DpopProofDeps): LogOutByRefreshToken =>
  async (refreshToken, scope, client, presented, origin) => {
    const { claims } = await readRefreshToken(deps, refreshToken);
    const family = await deps.families.find(claims.tokenFamily);
    if (family !== null) assertClient(family, client);
    const session = { sessionId: claims.tokenFamily, userId: claims.sub };
    if (scope !== 'session') {
      if (claims.cnf !== undefined)
        await requireDpopProof(deps, presented, { jkt: claims.cnf.jkt, accessToken: null });
      const live = await findLiveFamily(deps, session);
      if (live === null || !(await isCurrentRefreshToken(deps, claims, live))) {
        const detail =
          'Only the current refresh token of a session that has not ended can end other sessions.';
        throw new Refusal('unauthenticated', detail);
      }
    }
    await endWithin(deps, session, scope, origin);
  };

async function endWithin(
  deps: EndSessionDeps,
  session: SessionOfUser,
  scope: LogOutTarget,
  origin: ChangeOrigin,
): Promise<void> {
  const ending = { reason: 'logout', origin } as const;
  if (scope === 'session') await endOneSession(deps, session, ending);
  else await endAllSessions(deps, session.userId, scope === 'others' ? session.sessionId : null, ending);
}
