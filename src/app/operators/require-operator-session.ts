import { byUser } from '../../domain/audit.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { EndSession } from '../sessions/end-session.ts';
import { isOperator, type Operator, type OperatorDeps } from './find-operator.ts';

export type RequireOperatorSession = (secret: string, client: ClientInfo) => Promise<Operator>;

/**
 * Admits the user of a new sign-in to the console. The user must be an operator, and must have proved a required second
 * factor. Otherwise ends the session and rejects with a {@link Refusal} `forbidden`. Rejects with `unauthenticated` if
 * the session has ended already.
 */
export const requireOperatorSession =
  ({
    findPageSession,
    users,
    operatorsNeedSecondFactor,
    endSession,
    securityLog,
  }: OperatorDeps & {
    readonly endSession: EndSession;
    readonly securityLog: SecurityLog;
  }): RequireOperatorSession =>
  async (secret, client) => {
    const session = await findPageSession(secret, client);
    if (session === null)
      throw new Refusal('unauthenticated', 'The session of this sign-in has ended already.');
    const { userId, sessionId, authentication } = session;
    const fault = await faultOf(userId, authentication.acr);
    if (fault === null) return { userId, sessionId };
    await endSession(sessionId, userId, { reason: 'logout', origin: byUser(client) });
    const { reason, detail } = FAULTS[fault];
    securityLog('operator_refused', { userId, address: client.address, reason });
    throw new Refusal('forbidden', detail);

    async function faultOf(id: string, level: string | undefined): Promise<keyof typeof FAULTS | null> {
      if (!(await isOperator(users, id))) return 'role';
      return operatorsNeedSecondFactor && level !== 'aal2' ? 'factor' : null;
    }
  };

const FAULTS = {
  role: { reason: 'no role operator', detail: 'This account does not have the role operator.' },
  factor: {
    reason: 'no second factor',
    detail: 'An operator needs a second factor. Add one to the account, and sign in again.',
  },
} as const;
