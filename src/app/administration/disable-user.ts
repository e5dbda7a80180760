import type { Origin } from '../../domain/audit.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { UserStates } from '../../ports/stores/user-states.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { type Act, type ActDeps, entriesOfAct, reportAct } from './act.ts';

interface Deps extends ActDeps {
  readonly userStates: UserStates;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly clock: Clock;
}

export type DisableUser = (userId: string, origin: Origin) => Promise<boolean>;

/** Disables any user id, and ends its sessions. False, and nothing changes, if the user is disabled already. */
export const disableUser =
  (deps: Deps): DisableUser =>
  async (userId, origin) => {
    const at = deps.clock();
    const act: Act = {
      type: 'user_disabled',
      origin,
      userId,
      events: [{ type: 'users.disabled', occurredAt: at, data: { userId } }],
    };
    const ended = await deps.userStates.disable(userId, at, entriesOfAct(deps, act));
    if (ended === null) return false;
    reportAct(deps, act);
    reportEnded(
      deps,
      ended.sessions,
      { at, reason: 'disabled' },
      { userId, ...(origin.address !== null && { address: origin.address }) },
    );
    return true;
  };
