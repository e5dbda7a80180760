import { Refusal } from '../../domain/refusal.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { AdmitUser } from '../sessions/open-session.ts';
import { isOperator, type OperatorDeps } from './find-operator.ts';

/**
 * Admits a user to the console, before the session of the sign-in is opened. The user must be an operator, and must
 * have proved a required second factor. Otherwise rejects with a {@link Refusal} `forbidden`.
 */
export const admitOperator =
  ({
    users,
    operatorsNeedSecondFactor,
    securityLog,
  }: Pick<OperatorDeps, 'users' | 'operatorsNeedSecondFactor'> & {
    readonly securityLog: SecurityLog;
  }): AdmitUser =>
  async ({ userId, authentication, client }) => {
    const fault = await faultOf(userId, authentication?.acr);
    if (fault === null) return;
    const { reason, detail } = FAULTS[fault];
    securityLog('operator_refused', { userId, address: client.address, reason });
    throw new Refusal('forbidden', detail);

    async function faultOf(
      id: string,
      level: string | null | undefined,
    ): Promise<keyof typeof FAULTS | null> {
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
