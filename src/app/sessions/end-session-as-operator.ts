import { type EndSessionDeps, endSession } from './end-session.ts';

/** Ends a session of any user; false if it does not exist or has already ended. */
export const endSessionAsOperator = (deps: EndSessionDeps) => {
  const end = endSession(deps);

  return async (sessionId: string, address?: string): Promise<boolean> => {
    const family = await deps.families.find(sessionId);
    return family !== null && end(sessionId, family.userId, 'administrator', address);
  };
};
