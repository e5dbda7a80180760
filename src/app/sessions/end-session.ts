import type { RevocationReason } from '../../domain/revocation.ts';
import { type EndSessionDeps, endAll, endOne } from '../revocation/end-sessions.ts';

export type EndSession = (
  sessionId: string,
  userId: string,
  reason: RevocationReason,
  address?: string,
) => Promise<boolean>;

/** Ends one session of a user, on a request from `address`; false if the user has no such live session. */
export const endSession =
  (deps: EndSessionDeps): EndSession =>
  async (sessionId, userId, reason, address) =>
    endOne(deps, { sessionId, userId }, { reason, address });

export type EndSessions = (
  userId: string,
  except: string | null,
  reason: RevocationReason,
  address?: string,
) => Promise<void>;

/** Ends all sessions of a user, except the session `except` if it is not null. */
export const endSessions =
  (deps: EndSessionDeps): EndSessions =>
  async (userId, except, reason, address) =>
    endAll(deps, userId, except, { reason, address });
