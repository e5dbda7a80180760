import { type EndSessionDeps, endOne } from '../revocation/end-sessions.ts';

export type EndSessionAsOperator = (sessionId: string, address?: string) => Promise<boolean>;

/** Ends a session of any user; false if it does not exist or has already ended. */
export const endSessionAsOperator =
  (deps: EndSessionDeps): EndSessionAsOperator =>
  async (sessionId, address) => {
    const family = await deps.families.find(sessionId);
    if (family === null) return false;
    return endOne(deps, { sessionId, userId: family.userId }, { reason: 'administrator', address });
  };
