import { BY_CODE, BY_PASSWORD, byVerifiedPasskey } from '../../domain/authentication.ts';
import { isChallengeAlive } from '../../domain/challenge.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import type { VerifiedIdentityProof } from '../../domain/identity-proof.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isConfirmed } from '../../domain/second-factor.ts';
import type { ChallengeSealer } from '../../ports/security/login-challenges.ts';
import type { CredentialAnswer } from '../../ports/security/passkeys.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import { type RefusalDeps, recordRefusal } from '../audit/record-refusal.ts';
import { beginProofAttempt, type ProofAttemptDeps } from '../factors/begin-proof-attempt.ts';
import {
  type AccountToProve,
  type FactorProofDeps,
  verifyFactorProof,
} from '../factors/verify-factor-proof.ts';
import { type ConfirmPasswordDeps, checkPassword } from './confirm-password.ts';

/** An identity proof. An empty object: the request contains none. */
export interface IdentityProof {
  readonly password?: string | undefined;
  readonly code?: string | undefined;
  readonly recoveryCode?: string | undefined;
  /** The answer of a passkey, and the challenge of {@link beginStepUp} that it answers. */
  readonly passkey?: { readonly challenge: string; readonly assertion: CredentialAnswer } | undefined;
}

export type VerifyIdentityProof = (
  userId: string,
  given: IdentityProof,
  client: ClientInfo,
) => Promise<VerifiedIdentityProof>;

interface Deps extends ConfirmPasswordDeps, ProofAttemptDeps, FactorProofDeps, RefusalDeps {
  readonly secondFactors: SecondFactors;
  readonly challenges: ChallengeSealer;
}

/**
 * Verifies a proof and counts the attempt. The caller must pass `use` of the result to the change that the proof
 * allows. An account with a second factor must prove that factor: its password alone is refused. Rejects with a {@link
 * Refusal}: `proof_refused`, `too_many_requests`, and `not_found` if a user without an account here gives a password.
 */
export const verifyIdentityProof =
  (deps: Deps): VerifyIdentityProof =>
  async (userId, given, client) => {
    const account = await deps.secondFactors.find(userId);
    if (account?.factors.some(isConfirmed)) return verifyFactor(deps, { userId, account }, given, client);
    if (given.password === undefined)
      throw new Refusal('proof_refused', 'A proof is needed, such as the password.');
    const verified = await checkPassword(deps, userId, given.password, client);
    if (verified === null) throw new Refusal('proof_refused');
    return { proven: BY_PASSWORD, use: { kind: 'password', passwordHash: verified.user.passwordHash } };
  };

async function verifyFactor(
  deps: Deps,
  subject: AccountToProve,
  given: IdentityProof,
  client: ClientInfo,
): Promise<VerifiedIdentityProof> {
  const { userId } = subject;
  if (given.code === undefined && given.recoveryCode === undefined && given.passkey === undefined)
    throw new Refusal(
      'proof_refused',
      'This account has a second factor: send a code, a recovery code or an assertion.',
    );
  const recordSuccess = await beginProofAttempt(deps, userId, client);
  const verified =
    given.passkey === undefined
      ? await verifyCode(deps, subject, given)
      : await verifyPasskey(deps, subject, given.passkey);
  if (verified === null) {
    await recordRefusal(deps, 'users.proof_refused', userId, client);
    deps.securityLog('proof_refused', { userId, address: client.address });
    throw new Refusal('proof_refused');
  }
  await recordSuccess();
  return verified;
}

async function verifyCode(
  deps: Deps,
  subject: AccountToProve,
  { code, recoveryCode = '' }: IdentityProof,
): Promise<VerifiedIdentityProof | null> {
  const proof = code === undefined ? { recoveryCode } : { code };
  const terms = { nonce: '', requireUserVerification: true };
  const use = await verifyFactorProof(deps, subject, proof, terms, deps.clock());
  return use && { proven: BY_CODE, use };
}

async function verifyPasskey(
  deps: Deps,
  subject: AccountToProve,
  { challenge: text, assertion }: NonNullable<IdentityProof['passkey']>,
): Promise<VerifiedIdentityProof | null> {
  const challenge = await deps.challenges.open(text, 'step_up');
  if (challenge === null || !isChallengeAlive(challenge, deps.clock())) return null;
  const { nonce, expiresAt } = challenge;
  const answered = { hashedNonce: deps.challenges.hashNonce(nonce), expiresAt };
  if (!(await deps.secondFactors.countAnswer(answered))) return null;
  const terms = { nonce, requireUserVerification: true };
  const use = await verifyFactorProof(deps, subject, { assertion }, terms, deps.clock());
  if (use?.kind !== 'passkey') return null;
  return { proven: byVerifiedPasskey(use), use: { ...use, challenge: answered } };
}
