import type { ChangeOrigin } from '../../domain/audit.ts';
import { type Claims, claimNames, claimsFault, claimsLimit, MAX_USER_CLAIMS } from '../../domain/claims.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { UserStates } from '../../ports/stores/user-states.ts';
import { type AdminAction, type AdminActionDeps, entriesOfAction, reportAction } from './admin-action.ts';

interface Deps extends AdminActionDeps {
  readonly userStates: UserStates;
  readonly clock: Clock;
}

export type SetClaims = (userId: string, claims: Claims, origin: ChangeOrigin) => Promise<boolean>;

/**
 * Replaces the claims of any user id. Each live session gets them with its next pair. False, and nothing changes, if
 * the user has these claims already. Rejects with a {@link Refusal} `invalid_request` if the claims are not acceptable.
 */
export const setClaims =
  (deps: Deps): SetClaims =>
  async (userId, claims, origin) => {
    const fault = claimsFault(claims, claimsLimit(MAX_USER_CLAIMS, userId));
    if (fault !== null) throw new Refusal('invalid_request', `The claims ${fault}.`);
    const data = { userId, claimNames: claimNames(claims) };
    const action: AdminAction = {
      type: 'user_claims_changed',
      origin,
      userId,
      events: [{ type: 'users.claims_changed', occurredAt: deps.clock(), data }],
    };
    if (!(await deps.userStates.setClaims(userId, claims, entriesOfAction(deps, action)))) return false;
    reportAction(deps, action);
    return true;
  };
