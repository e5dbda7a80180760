import type { ChangeOrigin } from '../../domain/audit.ts';
import { type EndSessionDeps, endOneSession } from '../revocation/end-sessions.ts';

export type EndSessionAsOperator = (sessionId: string, origin: ChangeOrigin) => Promise<boolean>;

/** Ends a session of any user; false if it does not exist or has ended already. */
export const endSessionAsOperator =
  (deps: EndSessionDeps): EndSessionAsOperator =>
  async (sessionId, origin) => {
    const family = await deps.families.find(sessionId);
    if (family === null) return false;
    return endOneSession(deps, { sessionId, userId: family.userId }, { reason: 'administrator', origin });
  };
