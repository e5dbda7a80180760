import { isBlocked, mustRecordUse, PAGE_IDLE_AGE } from '../../domain/account-page.ts';
import { authenticationClaims, isRecent } from '../../domain/authentication.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { PageSecrets } from '../../ports/security/page-secrets.ts';
import type { AccountPageSessions } from '../../ports/stores/account-page-sessions.ts';
import type { SignIn } from '../accounts/require-recent-sign-in.ts';

interface Deps {
  readonly pageSecrets: PageSecrets;
  readonly accountPageSessions: AccountPageSessions;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly clock: Clock;
}

/** The session of an account page, and its user. */
export interface PageSession extends SignIn {
  /** Whether the latest authentication is so recent that a sensitive change needs no password. */
  readonly isRecent: boolean;
}

export type FindPageSession = (secret: string, client: ClientInfo) => Promise<PageSession | null>;

/**
 * Finds the live session of a cookie, and extends its idle time, at most once a minute. Null if the cookie is unknown,
 * or if its session has ended, is idle, or does not admit this client.
 */
export const findPageSession =
  ({ pageSecrets, accountPageSessions, revoked, policy, clock }: Deps): FindPageSession =>
  async (secret, client) => {
    const now = clock();
    const family = await accountPageSessions.find(pageSecrets.hash(secret), now);
    if (family === null || isBlocked(family, client)) return null;
    const { tokenFamily: sessionId, userId } = family;
    // A fail-over can lose a revocation that this replica still remembers.
    if (revoked.recall(sessionId) !== null) return null;
    const isAlive =
      !mustRecordUse(family, now) ||
      (await accountPageSessions.keepAlive(sessionId, now, now + PAGE_IDLE_AGE));
    if (!isAlive) return null;
    const authentication = authenticationClaims(family.authentication);
    return {
      sessionId,
      userId,
      authentication,
      isRecent: isRecent(authentication, policy.stepUpMaxAge, now),
    };
  };
