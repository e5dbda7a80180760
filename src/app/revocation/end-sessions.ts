import { isLive } from '../../domain/token-family.ts';
import type { Clock } from '../../ports/clock.ts';
import { rememberEnded } from './remember-ended.ts';
import {
  type Ending,
  ipAddressOfOrigin,
  type RevokeFamilyDeps,
  revokeFamily,
  type SessionOfUser,
} from './revoke-family.ts';

export interface EndSessionDeps extends RevokeFamilyDeps {
  readonly clock: Clock;
}

/** Ends one session of a user; false if the user has no such session, or it has ended already. */
export async function endOneSession(
  deps: EndSessionDeps,
  session: SessionOfUser,
  ending: Ending,
): Promise<boolean> {
  const { sessionId, userId } = session;
  const family = await deps.families.find(sessionId);
  const at = deps.clock();
  if (family?.userId !== userId || !isLive(family, at)) return false;
  const data = { sessionId, userId, reason: ending.reason };
  const event = { type: 'sessions.revoked', occurredAt: at, data } as const;
  return revokeFamily(deps, session, { at, ...ending }, [{ event }]);
}

/** Ends all sessions of a user. The session `except` stays; null: every session ends. */
export async function endAllSessions(
  deps: EndSessionDeps,
  userId: string,
  except: string | null,
  { reason, origin }: Ending,
): Promise<void> {
  const revocation = { at: deps.clock(), reason };
  const ended = await deps.families.revokeAll(userId, { ...revocation, except, origin });
  const address = ipAddressOfOrigin(origin);
  deps.securityLog('sessions_ended', { userId, reason, count: ended.length, address });
  rememberEnded(deps, ended, revocation);
}
