import type { RevocationReason } from '../../domain/revocation.ts';
import type { Clock } from '../../ports/clock.ts';
import { revokeFamily } from './revoke-family.ts';

/** Ends one session of a user; false if it had ended before. */
export const endSession = (deps: Parameters<typeof revokeFamily>[0] & { readonly clock: Clock }) => {
  const revoke = revokeFamily(deps);

  return (sessionId: string, userId: string, reason: RevocationReason): Promise<boolean> => {
    const now = deps.clock();
    const event = { type: 'sessions.revoked', occurredAt: now, data: { sessionId, userId, reason } } as const;
    return revoke(sessionId, { at: now, reason }, [{ event }]);
  };
};
