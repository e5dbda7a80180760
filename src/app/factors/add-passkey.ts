import { byUser } from '../../domain/audit.ts';
import { isChallengeAlive } from '../../domain/challenge.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { Refusal } from '../../domain/refusal.ts';
import { labelFault, passkeyFault } from '../../domain/second-factor.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { ChallengeSealer } from '../../ports/security/login-challenges.ts';
import type { CredentialAnswer, Passkeys } from '../../ports/security/passkeys.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import { requireLiveSession } from '../accounts/require-recent-sign-in.ts';
import { conditionOf } from '../accounts/sensitive-change.ts';
import { changeEntries } from '../change-entries.ts';
import type { SessionOfUser } from '../revocation/revoke-family.ts';
import type { LiveFamilyDeps } from '../tokens/live-family.ts';
import { tooManyFactors } from './authorize-factor-change.ts';

interface Deps extends LiveFamilyDeps {
  readonly secondFactors: SecondFactors;
  readonly challenges: ChallengeSealer;
  readonly passkeys: Passkeys;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

export interface AddPasskeyInput extends SessionOfUser {
  readonly challenge: string;
  readonly credential: CredentialAnswer;
  readonly label: string;
  readonly client: ClientInfo;
}

export type AddPasskey = (input: AddPasskeyInput) => Promise<{ readonly id: string }>;

/**
 * Puts a new passkey into use. The challenge is issued only after a recent sign-in, so this step does not check the
 * sign-in again. The session must be live. A challenge is not used up: the same answer gives the same passkey, and the
 * second attempt to add it is refused. Rejects with a {@link Refusal}: `invalid_request`, `proof_refused`, `conflict`,
 * `unauthenticated` if the session has ended.
 */
export const addPasskey = (deps: Deps): AddPasskey => {
  const { secondFactors, challenges, passkeys, clock, newId, securityLog } = deps;

  return async ({ userId, sessionId, challenge: text, credential, label, client }) => {
    assertNoFault(labelFault(label));
    const session = { userId, sessionId };
    await requireLiveSession(deps, session);
    const at = clock();
    const challenge = await challenges.open(text, 'new_passkey');
    if (challenge?.userId !== userId || !isChallengeAlive(challenge, at)) throw new Refusal('proof_refused');
    const passkey = await passkeys.verifyRegistration(credential, challenge.nonce);
    if (passkey === null) throw new Refusal('proof_refused');
    assertNoFault(passkeyFault(passkey));
    const id = newId();
    const kind = 'passkey';
    const data = { userId, factorId: id, kind, ...clientFacts(client) } as const;
    const event = { type: 'users.factor_added', occurredAt: at, data } as const;
    const factor = {
      id,
      userId,
      kind,
      label,
      createdAt: at,
      confirmedAt: at,
      lastUsedAt: null,
      addedBy: sessionId,
      passkey,
    } as const;
    const added = await secondFactors.addPasskey(
      factor,
      conditionOf(deps, session, challenge),
      changeEntries(newId, byUser(client), [{ event }]),
    );
    if (added === null) {
      await requireLiveSession(deps, session);
      throw new Refusal('proof_refused');
    }
    if (added === 'taken') throw new Refusal('conflict', 'This passkey was added before.');
    if (added === 'full') throw tooManyFactors();
    securityLog('factor_added', { userId, address: client.address, kind });
    return { id };
  };
};

function assertNoFault(fault: string | null): void {
  if (fault !== null) throw new Refusal('invalid_request', fault);
}
