import type { ChangeOrigin } from '../../domain/audit.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { Users } from '../../ports/stores/users.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { type AdminAction, type AdminActionDeps, entriesOfAction, reportAction } from './admin-action.ts';

interface Deps extends AdminActionDeps {
  readonly users: Pick<Users, 'remove'>;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly clock: Clock;
}

export type DeleteUser = (userId: string, origin: ChangeOrigin) => Promise<boolean>;

/** Deletes an account with its data, and ends its sessions. False, and nothing changes, if there is no such account. */
export const deleteUser =
  (deps: Deps): DeleteUser =>
  async (userId, origin) => {
    const revocation = { at: deps.clock(), reason: 'account_deleted' } as const;
    const action: AdminAction = {
      type: 'user_deleted',
      origin,
      userId,
      events: [{ type: 'users.deleted', occurredAt: revocation.at, data: { userId } }],
    };
    const ended = await deps.users.remove(userId, null, revocation, entriesOfAction(deps, action));
    if (ended === null) return false;
    reportAction(deps, action);
    const address = origin.address === null ? {} : { address: origin.address };
    reportEnded(deps, ended.sessions, revocation, { userId, ...address });
    return true;
  };
