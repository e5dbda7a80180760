import type { ClientInfo } from '../../domain/client-info.ts';
import type { Users } from '../../ports/stores/users.ts';
import type { FindPageSession } from '../account-pages/find-page-session.ts';

/** A signed-in operator of the console. */
export interface Operator {
  readonly userId: string;
  readonly sessionId: string;
}

export type FindOperator = (secret: string, client: ClientInfo) => Promise<Operator | null>;

export interface OperatorDeps {
  readonly findPageSession: FindPageSession;
  readonly users: Pick<Users, 'find'>;
  /** Whether an operator must have signed in with a second factor. */
  readonly operatorsNeedSecondFactor: boolean;
}

/**
 * Finds the operator of a cookie. Null if the session is not live, its user is no operator, or a required second factor
 * is missing. Keeps the session alive.
 */
export const findOperator =
  ({ findPageSession, users, operatorsNeedSecondFactor }: OperatorDeps): FindOperator =>
  async (secret, client) => {
    const session = await findPageSession(secret, client);
    if (session === null || !(await isOperator(users, session.userId))) return null;
    if (operatorsNeedSecondFactor && session.authentication.acr !== 'aal2') return null;
    return { userId: session.userId, sessionId: session.sessionId };
  };

/** Whether the account has the role `operator`. */
export async function isOperator(users: Pick<Users, 'find'>, userId: string): Promise<boolean> {
  return (await users.find(userId))?.roles.includes('operator') === true;
}
