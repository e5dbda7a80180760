import type { RevocationReason } from '../../domain/revocation.ts';
import type { Clock } from '../../ports/clock.ts';
import { rememberEnded } from './remember-ended.ts';
import { type RevokeFamilyDeps, revokeFamily } from './revoke-family.ts';

export interface EndSessionDeps extends RevokeFamilyDeps {
  readonly clock: Clock;
}

/** Why sessions end, and the address of the request that ends them. */
export interface Ending {
  readonly reason: RevocationReason;
  readonly address?: string | undefined;
}

/** Ends one session of a user; false if the user has no such live session. */
export async function endOne(
  deps: EndSessionDeps,
  { sessionId, userId }: { readonly sessionId: string; readonly userId: string },
  { reason, address }: Ending,
): Promise<boolean> {
  const family = await deps.families.find(sessionId);
  if (family?.userId !== userId) return false;
  const at = deps.clock();
  const event = { type: 'sessions.revoked', occurredAt: at, data: { sessionId, userId, reason } } as const;
  return revokeFamily(deps, sessionId, { at, reason }, [{ event }], { userId, address });
}

/** Ends all sessions of a user, except the session `except` if it is not null. */
export async function endAll(
  deps: EndSessionDeps,
  userId: string,
  except: string | null,
  { reason, address }: Ending,
): Promise<void> {
  const revocation = { at: deps.clock(), reason };
  const ended = await deps.families.revokeAll(userId, { ...revocation, except });
  deps.securityLog('sessions_ended', { userId, reason, count: ended.length, address });
  rememberEnded(deps, ended, revocation);
}
