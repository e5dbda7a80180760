import { byUser } from '../../domain/audit.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { EndSession } from '../sessions/end-session.ts';
import { isOperator, type Operator, type OperatorDeps } from './find-operator.ts';

export type AdmitOperator = (secret: string, client: ClientInfo) => Promise<Operator>;

/**
 * Admits the user of a new sign-in to the console. Ends the session again and rejects with a {@link Refusal}
 * `forbidden` if the user is no operator, or signed in without a second factor that is required.
 */
export const admitOperator =
  ({
    findPageSession,
    users,
    operatorsNeedSecondFactor,
    endSession,
  }: OperatorDeps & {
    readonly endSession: EndSession;
  }): AdmitOperator =>
  async (secret, client) => {
    const session = await findPageSession(secret, client);
    if (session === null)
      throw new Refusal('unauthenticated', 'The session of this sign-in has ended already.');
    const { userId, sessionId, authentication } = session;
    const fault = await faultOf(userId, authentication.acr);
    if (fault === null) return { userId, sessionId };
    await endSession(sessionId, userId, { reason: 'logout', origin: byUser(client) });
    throw new Refusal('forbidden', fault);

    async function faultOf(id: string, level: string | undefined): Promise<string | null> {
      if (!(await isOperator(users, id))) return 'This account does not have the role operator.';
      const lacksFactor = operatorsNeedSecondFactor && level !== 'aal2';
      return lacksFactor
        ? 'An operator needs a second factor. Add one to the account, and sign in again.'
        : null;
    }
  };
