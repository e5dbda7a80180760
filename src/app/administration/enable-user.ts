import type { Origin } from '../../domain/audit.ts';
import type { Clock } from '../../ports/clock.ts';
import type { UserStates } from '../../ports/stores/user-states.ts';
import { type Act, type ActDeps, entriesOfAct, reportAct } from './act.ts';

interface Deps extends ActDeps {
  readonly userStates: UserStates;
  readonly clock: Clock;
}

export type EnableUser = (userId: string, origin: Origin) => Promise<boolean>;

/** Lets a disabled user log in again. False, and nothing changes, if the user is not disabled. */
export const enableUser =
  (deps: Deps): EnableUser =>
  async (userId, origin) => {
    const act: Act = {
      type: 'user_enabled',
      origin,
      userId,
      events: [{ type: 'users.enabled', occurredAt: deps.clock(), data: { userId } }],
    };
    if (!(await deps.userStates.enable(userId, entriesOfAct(deps, act)))) return false;
    reportAct(deps, act);
    return true;
  };
