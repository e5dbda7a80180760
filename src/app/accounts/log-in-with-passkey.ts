import { byUser } from '../../domain/audit.ts';
import { byVerifiedPasskey } from '../../domain/authentication.ts';
import { isChallengeAlive } from '../../domain/challenge.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import { HOUR } from '../../domain/durations.ts';
import type { Limits } from '../../domain/limits.ts';
import { networkOf } from '../../domain/network.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { ChallengeSealer } from '../../ports/security/login-challenges.ts';
import type { CredentialAnswer } from '../../ports/security/passkeys.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import { recordRefusal } from '../audit/record-refusal.ts';
import { type FactorProofDeps, verifyFactorProof } from '../factors/verify-factor-proof.ts';
import { decideKeyBinding } from '../sessions/decide-key-binding.ts';
import { type NewSession, type OpenSessionDeps, openSessionWith } from '../sessions/open-session.ts';
import type { TokenPair } from '../tokens/mint-pair.ts';
import { useDpopProof } from '../tokens/require-dpop-proof.ts';
import { assertWithinLimit } from './assert-within-limit.ts';

interface Deps extends OpenSessionDeps, FactorProofDeps {
  readonly secondFactors: SecondFactors;
  readonly challenges: ChallengeSealer;
  readonly attempts: Attempts;
  readonly limits: Limits;
}

export interface LogInWithPasskeyInput
  extends Omit<
    NewSession,
    'userId' | 'contact' | 'authentication' | 'maxAge' | 'remembered' | 'dpopJkt' | 'mustBind'
  > {
  readonly challenge: string;
  readonly assertion: CredentialAnswer;
  /** False: a session of a shorter life. */
  readonly remember: boolean;
}

export type LogInWithPasskey = (input: LogInWithPasskeyInput) => Promise<TokenPair>;

/**
 * Refused assertions of one account that the audit log records per hour. Anyone who knows a credential id can cause
 * them.
 */
const RECORDED_REFUSALS_LIMIT = { name: 'passkey-refusals', count: 10, perMilliseconds: HOUR };

/**
 * Opens a session for the owner of a passkey. The passkey must verify its user, and so counts as both factors. Until
 * the signature is verified, only a few audit events are stored, because anyone can send assertions. Rejects with a
 * {@link Refusal}: `proof_refused`, `account_disabled`, `invalid_dpop_proof`, `use_dpop_nonce`, `too_many_requests`,
 * `unavailable`.
 */
export const logInWithPasskey = (deps: Deps): LogInWithPasskey => {
  const { secondFactors, challenges, limits, policy, clock, securityLog } = deps;

  return async ({ challenge: text, assertion, remember, presented, ...options }) => {
    const { address } = options.client;
    const network = networkOf(address);
    const limit = { name: 'login-rate-network', ...limits.loginsOfNetwork };
    await assertWithinLimit(deps, { key: `login-rate-network ${network}`, limit }, { address });

    const { jkt, proof: keyProof } = await decideKeyBinding(deps, { presented });
    const challenge = await challenges.open(text, 'passkey_login');
    const isAlive = challenge !== null && isChallengeAlive(challenge, clock());
    const userId = isAlive ? await secondFactors.findPasskeyOwner(assertion.id) : null;
    const account = userId === null ? null : await secondFactors.find(userId);
    if (challenge === null || userId === null || account === null) throw await reportRefusal(options.client);

    const terms = { nonce: challenge.nonce, requireUserVerification: true };
    const use = await verifyFactorProof(deps, { userId, account }, { assertion }, terms, clock());
    if (use?.kind !== 'passkey') throw await reportRefusal(options.client, userId);
    // Used up only after the passkey was verified: a stranger without it must not fill the store of used proofs.
    if (keyProof !== null) await useDpopProof(deps, keyProof);
    const session = {
      ...options,
      jkt,
      userId,
      contact: null,
      authentication: byVerifiedPasskey(use),
      remembered: remember,
      ...(!remember && { maxAge: policy.sessionShortAge }),
    };
    const { securityVersion } = account;
    const hashedNonce = challenges.hashNonce(challenge.nonce);
    const proof = { securityVersion, challenge: { hashedNonce, expiresAt: challenge.expiresAt }, use };
    const pair = await openSessionWith(deps, byUser(session.client), session, (family, entries) =>
      secondFactors.openSession(family, proof, entries),
    );
    if (pair === null) throw await reportRefusal(options.client, userId);
    return pair;
  };

  async function reportRefusal(client: ClientInfo, userId?: string): Promise<Refusal> {
    const { address } = client;
    if (userId !== undefined) {
      const key = `${RECORDED_REFUSALS_LIMIT.name} ${userId}`;
      const { allowed } = await deps.attempts.countAction(key, RECORDED_REFUSALS_LIMIT, clock());
      if (allowed) await recordRefusal(deps, 'users.proof_refused', userId, client);
    }
    securityLog('proof_refused', { userId, address });
    return new Refusal('proof_refused');
  }
};
