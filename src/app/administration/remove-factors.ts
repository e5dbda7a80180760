import type { ChangeOrigin } from '../../domain/audit.ts';
import { accountNotFound, Refusal } from '../../domain/refusal.ts';
import { type Factor, isConfirmed } from '../../domain/second-factor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import { type AdminAction, type AdminActionDeps, entriesOfAction, reportAction } from './admin-action.ts';

interface Deps extends AdminActionDeps {
  readonly secondFactors: Pick<SecondFactors, 'find' | 'remove'>;
  readonly clock: Clock;
}

export type RemoveFactors = (userId: string, factorId: string | null, origin: ChangeOrigin) => Promise<void>;

/**
 * Removes one confirmed factor of a user. With `factorId` null, removes all confirmed factors, for a user who lost a
 * device. The removal of the last factor also removes the recovery codes. The user gets a mail about each removed
 * factor. Rejects with a {@link Refusal} `not_found` if there is no such account or factor.
 */
export const removeFactors =
  (deps: Deps): RemoveFactors =>
  async (userId, factorId, origin) => {
    const account = await deps.secondFactors.find(userId);
    if (account === null) throw accountNotFound();
    const removed = account.factors.filter(
      (factor) => isConfirmed(factor) && (factorId === null || factor.id === factorId),
    );
    if (factorId !== null && removed.length === 0) throw new Refusal('not_found', 'There is no such factor.');
    for (const factor of removed) await removeOne(deps, factor, origin);
  };

async function removeOne(deps: Deps, { id, userId, kind }: Factor, origin: ChangeOrigin): Promise<void> {
  const data = { userId, factorId: id, kind, byOperator: true } as const;
  const event = { type: 'users.factor_removed', occurredAt: deps.clock(), data } as const;
  const action: AdminAction = { type: 'factor_removed', origin, userId, kind, events: [event] };
  if (await deps.secondFactors.remove(userId, id, null, entriesOfAction(deps, action)))
    reportAction(deps, action);
}
