import type { Policy } from '../../domain/policy.ts';
import type { RevocationReason } from '../../domain/revocation.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { rememberEnded } from './remember-ended.ts';
import { revokeFamily } from './revoke-family.ts';

export interface EndSessionDeps {
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

/** Ends one session of a user, on a request from `address`; false if the user has no such live session. */
export const endSession = (deps: EndSessionDeps) => {
  const revoke = revokeFamily(deps);

  return async (
    sessionId: string,
    userId: string,
    reason: RevocationReason,
    address?: string,
  ): Promise<boolean> => {
    const family = await deps.families.find(sessionId);
    if (family?.userId !== userId) return false;
    const at = deps.clock();
    const event = { type: 'sessions.revoked', occurredAt: at, data: { sessionId, userId, reason } } as const;
    return revoke(sessionId, { at, reason }, [{ event }], { userId, address });
  };
};

/** Ends all sessions of a user, except the session `except` if it is not null. */
export const endSessions =
  (deps: EndSessionDeps) =>
  async (
    userId: string,
    except: string | null,
    reason: RevocationReason,
    address?: string,
  ): Promise<void> => {
    const revocation = { at: deps.clock(), reason };
    const ended = await deps.families.revokeAll(userId, { ...revocation, except });
    deps.securityLog('sessions_ended', { userId, reason, count: ended.length, address });
    rememberEnded(deps, ended, revocation);
  };
