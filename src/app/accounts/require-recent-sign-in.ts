import { type AuthenticationClaims, isRecent, type Level } from '../../domain/authentication.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { SessionOfUser } from '../revocation/revoke-family.ts';
import { findLiveFamily, type LiveFamilyDeps } from '../tokens/live-family.ts';

/** The session of a request, and what the access token or the page's session says about the user's authentication. */
export interface SignIn extends SessionOfUser {
  readonly authentication: AuthenticationClaims;
}

export interface RecentSignInDeps extends LiveFamilyDeps {
  readonly policy: Policy;
}

/**
 * Requires that the user was authenticated within `stepUpMaxAge`, and at `level` where one is given, before a sensitive
 * change. The claims in `authentication` decide. A step-up issues a new access token, or a new cookie of a page. So a
 * stolen copy of the earlier token or cookie gains nothing.
 *
 * Rejects with a {@link Refusal}: `step_up_required`, `unauthenticated` if the session has ended.
 */
export async function requireRecentSignIn(
  deps: RecentSignInDeps,
  { authentication, ...session }: SignIn,
  level: Level | null = null,
): Promise<void> {
  const { stepUpMaxAge: maxAge } = deps.policy;
  const hasLevel = level === null || authentication.acr === level;
  if (!hasLevel || !isRecent(authentication, maxAge, deps.clock()))
    throw new Refusal('step_up_required', undefined, { maxAge, ...(level !== null && { acr: level }) });
  await requireLiveSession(deps, session);
}

/**
 * Requires that the session is live in the database, where another replica may have ended it a moment ago. Rejects with
 * a {@link Refusal} `unauthenticated`.
 */
export async function requireLiveSession(deps: LiveFamilyDeps, session: SessionOfUser): Promise<void> {
  if ((await findLiveFamily(deps, session)) === null)
    throw new Refusal('unauthenticated', 'The session has been ended.');
}
