import { byUser } from '../../domain/audit.ts';
import { clientFacts } from '../../domain/client-info.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isConfirmed } from '../../domain/second-factor.ts';
import type { NewId } from '../../ports/new-id.ts';
import { applyChange, type SensitiveRequest } from '../accounts/sensitive-change.ts';
import { changeEntries } from '../change-entries.ts';
import { authorizeFactorChange, type FactorChangeDeps } from './authorize-factor-change.ts';

interface Deps extends FactorChangeDeps {
  readonly newId: NewId;
}

export type RemoveFactor = (request: SensitiveRequest & { readonly id: string }) => Promise<void>;

/**
 * Removes a confirmed factor. The removal of the last factor also removes the recovery codes. Rejects with a {@link
 * Refusal}: those of `authorizeFactorChange`, and `not_found`.
 */
export const removeFactor = (deps: Deps): RemoveFactor => {
  const { secondFactors, clock, newId, securityLog } = deps;

  return async ({ id, ...request }) => {
    const authorized = await authorizeFactorChange(deps, request);
    const { userId, client } = request;
    const factor = authorized.account.factors.find((one) => one.id === id && isConfirmed(one));
    if (factor === undefined) throw noSuchFactor();
    const data = { userId, factorId: id, kind: factor.kind, ...clientFacts(client) };
    const event = { type: 'users.factor_removed', occurredAt: clock(), data } as const;
    const removed = await applyChange(deps, authorized, ({ condition }) =>
      secondFactors.remove(userId, id, condition, changeEntries(newId, byUser(client), [{ event }])),
    );
    if (!removed) throw noSuchFactor();
    securityLog('factor_removed', { userId, address: client.address, kind: factor.kind });
  };
};

function noSuchFactor(): Refusal {
  return new Refusal('not_found', 'There is no such factor.');
}
