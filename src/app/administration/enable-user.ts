import type { ChangeOrigin } from '../../domain/audit.ts';
import type { Clock } from '../../ports/clock.ts';
import type { UserStates } from '../../ports/stores/user-states.ts';
import { type AdminAction, type AdminActionDeps, entriesOfAction, reportAction } from './admin-action.ts';

interface Deps extends AdminActionDeps {
  readonly userStates: UserStates;
  readonly clock: Clock;
}

export type EnableUser = (userId: string, origin: ChangeOrigin) => Promise<boolean>;

/** Lets a disabled user log in again. False, and nothing changes, if the user is not disabled. */
export const enableUser =
  (deps: Deps): EnableUser =>
  async (userId, origin) => {
    const action: AdminAction = {
      type: 'user_enabled',
      origin,
      userId,
      events: [{ type: 'users.enabled', occurredAt: deps.clock(), data: { userId } }],
    };
    if (!(await deps.userStates.enable(userId, entriesOfAction(deps, action)))) return false;
    reportAction(deps, action);
    return true;
  };
