import { type EndSessionDeps, endAllSessions, endOneSession } from '../revocation/end-sessions.ts';
import type { Ending } from '../revocation/revoke-family.ts';

export type EndSession = (sessionId: string, userId: string, ending: Ending) => Promise<boolean>;

/** Ends one session of a user; false if the user has no such session, or it has ended already. */
export const endSession =
  (deps: EndSessionDeps): EndSession =>
  async (sessionId, userId, ending) =>
    endOneSession(deps, { sessionId, userId }, ending);

export type EndSessions = (userId: string, except: string | null, ending: Ending) => Promise<void>;

/** Ends all sessions of a user. The session `except` stays; null: every session ends. */
export const endSessions =
  (deps: EndSessionDeps): EndSessions =>
  async (userId, except, ending) =>
    endAllSessions(deps, userId, except, ending);
