import { byUser } from '../../domain/audit.ts';
import { BY_PASSWORD_AND_CODE, byPasswordAndPasskey } from '../../domain/authentication.ts';
import { isChallengeAlive, type SecondFactorChallenge } from '../../domain/challenge.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import { Refusal } from '../../domain/refusal.ts';
import { OWN_CLIENT_ID } from '../../domain/service-key.ts';
import type { Log } from '../../ports/log.ts';
import type { ChallengeSealer } from '../../ports/security/login-challenges.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import { runAfterCommit } from '../after-commit.ts';
import { recordRefusal } from '../audit/record-refusal.ts';
import { beginProofAttempt, type ProofAttemptDeps } from '../factors/begin-proof-attempt.ts';
import { type FactorProof, type FactorProofDeps, verifyFactorProof } from '../factors/verify-factor-proof.ts';
import { decideKeyBinding } from '../sessions/decide-key-binding.ts';
import {
  type NewSession,
  type OpenSessionDeps,
  openSessionWith,
  refuseDisabledUser,
} from '../sessions/open-session.ts';
import type { TokenPair } from '../tokens/mint-pair.ts';
import { dpopRefusal, useDpopProof } from '../tokens/require-dpop-proof.ts';

interface Deps extends OpenSessionDeps, ProofAttemptDeps, FactorProofDeps {
  readonly secondFactors: SecondFactors;
  readonly challenges: ChallengeSealer;
  readonly log: Log;
}

export interface LogInWithSecondFactorInput extends Pick<NewSession, 'presented'> {
  /** The sealed challenge from the {@link SecondFactorRequired} of the first step. */
  readonly challenge: string;
  readonly proof: FactorProof;
  /** The address of this client may differ from that of the first step: phones change their network. */
  readonly client: ClientInfo;
}

export type LogInWithSecondFactor = (input: LogInWithSecondFactorInput) => Promise<TokenPair>;

/**
 * The second step of a login: opens the session, and uses up the challenge and the proof in the same transaction.
 * Rejects with a {@link Refusal}: `proof_refused`, `account_disabled`, `invalid_dpop_proof`, `use_dpop_nonce`,
 * `too_many_requests`, `unavailable`.
 */
export const logInWithSecondFactor = (deps: Deps): LogInWithSecondFactor => {
  const { secondFactors, challenges, clock, securityLog } = deps;

  return async ({ challenge: text, proof, presented, client }) => {
    const challenge = await challenges.open(text, 'second_step');
    if (challenge === null || !isChallengeAlive(challenge, clock())) throw await reportRefusal(client);
    await requireKeyProof(challenge, presented);
    const recordSuccess = await beginProofAttempt(deps, challenge.userId, client);
    const pair = await openWith(challenge, proof, client);
    if (pair === null) throw await reportRefusal(client, challenge.userId);
    await runAfterCommit(deps, recordSuccess, 'a right proof still counts as a wrong one');
    return pair;
  };

  /** Requires a proof of the key to which the first step bound the session (RFC 9449). */
  async function requireKeyProof(
    { jkt: expected }: SecondFactorChallenge,
    presented: LogInWithSecondFactorInput['presented'],
  ): Promise<void> {
    const { jkt, proof: keyProof } = await decideKeyBinding(deps, { presented, mustBind: expected !== null });
    if (jkt !== expected) throw dpopRefusal(deps, expected === null ? 'unbound' : 'other_key');
    if (keyProof !== null) await useDpopProof(deps, keyProof);
  }

  /** Null if the proof is wrong or used up, or if the challenge is used up or no longer valid. */
  async function openWith(
    { nonce, userId, securityVersion, expiresAt, paired, jkt, maxAge, remembered }: SecondFactorChallenge,
    proof: FactorProof,
    client: ClientInfo,
  ): Promise<TokenPair | null> {
    const challenge = { hashedNonce: challenges.hashNonce(nonce), expiresAt };
    if (!(await secondFactors.countAnswer(challenge))) return null;
    const account = await secondFactors.find(userId);
    if (account?.isDisabled) throw refuseDisabledUser(deps, { userId, client });
    if (account?.securityVersion !== securityVersion) return null;
    const use = await verifyFactorProof(
      deps,
      { userId, account },
      proof,
      // The password is the other factor, so the key alone is enough here.
      { nonce, requireUserVerification: false },
      clock(),
    );
    if (use === null) return null;
    const session = {
      paired,
      jkt,
      ...(maxAge !== undefined && { maxAge }),
      ...(remembered !== undefined && { remembered }),
      userId,
      door: 'canonical',
      clientId: OWN_CLIENT_ID,
      contact: null,
      client,
      authentication: use.kind === 'passkey' ? byPasswordAndPasskey(use) : BY_PASSWORD_AND_CODE,
    } as const;
    return openSessionWith(deps, byUser(client), session, (family, entries) =>
      secondFactors.openSession(family, { securityVersion, challenge, use }, entries),
    );
  }

  async function reportRefusal(client: ClientInfo, userId?: string): Promise<Refusal> {
    if (userId !== undefined) await recordRefusal(deps, 'users.proof_refused', userId, client);
    securityLog('proof_refused', { userId, address: client.address });
    return new Refusal('proof_refused');
  }
};
