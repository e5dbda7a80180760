import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { Refusal } from '../../domain/refusal.ts';
import { canBeConfirmed } from '../../domain/second-factor.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import { requireLiveSession } from '../accounts/require-recent-sign-in.ts';
import { conditionOf } from '../accounts/sensitive-change.ts';
import { changeEntries } from '../change-entries.ts';
import type { SessionOfUser } from '../revocation/revoke-family.ts';
import type { LiveFamilyDeps } from '../tokens/live-family.ts';
import { type FactorProofDeps, stepOfFactor } from './verify-factor-proof.ts';

interface Deps extends FactorProofDeps, LiveFamilyDeps {
  readonly secondFactors: SecondFactors;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

export interface ConfirmTotpInput extends SessionOfUser {
  readonly id: string;
  readonly code: string;
  readonly client: ClientInfo;
}

export type ConfirmTotp = (input: ConfirmTotpInput) => Promise<void>;

/**
 * Puts a new TOTP factor into use after its first code, which is used up. The secret was issued only after a recent
 * sign-in, so the confirmation does not check the sign-in again. The session must be live. Rejects with a {@link
 * Refusal}: `not_found`, `proof_refused`, `unauthenticated` if the session has ended.
 */
export const confirmTotp = (deps: Deps): ConfirmTotp => {
  const { secondFactors, clock, newId, securityLog } = deps;

  return async ({ userId, sessionId, id, code, client }) => {
    const session = { userId, sessionId };
    const account = await secondFactors.find(userId);
    await requireLiveSession(deps, session);
    const at = clock();
    if (account === null) throw noSuchFactor();
    const factor = account.factors.find((one) => one.id === id && canBeConfirmed(one, at));
    if (factor?.kind !== 'totp') throw noSuchFactor();
    const step = await stepOfFactor(deps, factor, code, at);
    if (step === null) throw new Refusal('proof_refused');
    const data = { userId, factorId: id, kind: factor.kind, ...clientFacts(client) };
    const event = { type: 'users.factor_added', occurredAt: at, data } as const;
    const confirmed = await secondFactors.confirm(
      { userId, id, step, at },
      conditionOf(deps, session, account),
      changeEntries(newId, byUser(client), [{ event }]),
    );
    if (!confirmed) {
      await requireLiveSession(deps, session);
      throw noSuchFactor();
    }
    securityLog('factor_added', { userId, address: client.address, kind: factor.kind });
  };
};

function noSuchFactor(): Refusal {
  return new Refusal('not_found', 'There is no such factor, or the time to confirm it is over.');
}
