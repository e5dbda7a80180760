import { type EndSessionDeps, endSession, endSessions } from './end-session.ts';
import { type ReadRefreshDeps, readRefreshToken } from './read-refresh-token.ts';

/** Which sessions of the user end: the one that asks, the others, or all. */
export type LogOutScope = 'session' | 'others' | 'all';

/** Who asks: the session itself, by whichever token it shows. */
export interface SessionOfUser {
  readonly sessionId: string;
  readonly userId: string;
}

/** Ends sessions of a user at their own wish. To have ended before is no fault. */
export const logOut = (deps: EndSessionDeps) => {
  const endOne = endSession(deps);
  const endMany = endSessions(deps);

  return async ({ sessionId, userId }: SessionOfUser, scope: LogOutScope): Promise<void> => {
    if (scope === 'session') await endOne(sessionId, userId, 'logout');
    else await endMany(userId, scope === 'others' ? sessionId : null, 'logout');
  };
};

/**
 * Whose refresh token it is. One that has expired or was rotated still names its session, and may end it.
 * Rejects as {@link readRefreshToken}.
 */
export const identifyByRefreshToken = (deps: ReadRefreshDeps) => {
  const read = readRefreshToken(deps);

  return async (refreshToken: string): Promise<SessionOfUser> => {
    const { claims } = await read(refreshToken);
    return { sessionId: claims.tokenFamily, userId: claims.sub };
  };
};
