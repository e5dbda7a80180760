import type { ChangeOrigin } from '../../domain/audit.ts';
import type { Role } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Users } from '../../ports/stores/users.ts';
import { type AdminAction, type AdminActionDeps, entriesOfAction, reportAction } from './admin-action.ts';

interface Deps extends AdminActionDeps {
  readonly users: Pick<Users, 'find' | 'setRoles'>;
  readonly clock: Clock;
}

export interface RoleChange {
  readonly role: Role;
  readonly isGranted: boolean;
}

export type SetRole = (userId: string, change: RoleChange, origin: ChangeOrigin) => Promise<boolean>;

/**
 * Grants or revokes a role. False, and nothing changes, if there is no such account, or its roles are the same already.
 */
export const setRole =
  (deps: Deps): SetRole =>
  async (userId, { role, isGranted }, origin) => {
    const user = await deps.users.find(userId);
    if (user === null) return false;
    const others = user.roles.filter((each) => each !== role);
    const roles = isGranted ? [...others, role] : others;
    const action: AdminAction = {
      type: 'user_roles_changed',
      origin,
      userId,
      events: [{ type: 'users.roles_changed', occurredAt: deps.clock(), data: { userId, roles } }],
    };
    if (!(await deps.users.setRoles(userId, roles, entriesOfAction(deps, action)))) return false;
    reportAction(deps, action);
    return true;
  };
