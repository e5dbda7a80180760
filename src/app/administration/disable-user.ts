import type { ChangeOrigin } from '../../domain/audit.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { UserStates } from '../../ports/stores/user-states.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { type AdminAction, type AdminActionDeps, entriesOfAction, reportAction } from './admin-action.ts';

interface Deps extends AdminActionDeps {
  readonly userStates: UserStates;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly clock: Clock;
}

export type DisableUser = (userId: string, origin: ChangeOrigin) => Promise<boolean>;

/** Disables any user id, and ends its sessions. False, and nothing changes, if the user is disabled already. */
export const disableUser =
  (deps: Deps): DisableUser =>
  async (userId, origin) => {
    const at = deps.clock();
    const action: AdminAction = {
      type: 'user_disabled',
      origin,
      userId,
      events: [{ type: 'users.disabled', occurredAt: at, data: { userId } }],
    };
    const ended = await deps.userStates.disable(userId, at, entriesOfAction(deps, action));
    if (ended === null) return false;
    reportAction(deps, action);
    reportEnded(
      deps,
      ended.sessions,
      { at, reason: 'disabled' },
      { userId, ...(origin.address !== null && { address: origin.address }) },
    );
    return true;
  };
