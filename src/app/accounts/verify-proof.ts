import { BY_CODE, BY_PASSWORD } from '../../domain/authentication.ts';
import type { ClientInfo } from '../../domain/events.ts';
import type { VerifiedProof } from '../../domain/proof.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isConfirmed } from '../../domain/second-factor.ts';
import type { FactorsOfAccount, SecondFactors } from '../../ports/stores/second-factors.ts';
import { type RefusalDeps, recordRefusal } from '../audit/record-refusal.ts';
import { beginProofAttempt, type ProofAttemptDeps } from '../factors/begin-proof-attempt.ts';
import { type ProofDeps, verifyProof as verifySecondFactor } from '../factors/verify-proof.ts';
import { type ConfirmPasswordDeps, checkPassword } from './confirm-password.ts';

/** What a user shows to prove who they are. Without a member nothing is shown. */
export interface GivenProof {
  readonly password?: string | undefined;
  readonly code?: string | undefined;
  readonly recoveryCode?: string | undefined;
}

export type VerifyProof = (userId: string, given: GivenProof, client: ClientInfo) => Promise<VerifiedProof>;

interface Deps extends ConfirmPasswordDeps, ProofAttemptDeps, ProofDeps, RefusalDeps {
  readonly secondFactors: SecondFactors;
}

/**
 * Verifies a proof and counts the attempt. The caller must pass `use` to the change that the proof allows. An account with a
 * second factor proves that factor, and never the password alone. Rejects with a {@link Refusal}: `not_found` for users
 * without an account here, `proof_refused`, `too_many_requests`.
 */
export const verifyProof =
  (deps: Deps): VerifyProof =>
  async (userId, given, client) => {
    const account = await deps.secondFactors.find(userId);
    if (account?.factors.some(isConfirmed)) return verifyCode(deps, { userId, account }, given, client);
    if (given.password === undefined)
      throw new Refusal('proof_refused', 'A proof is needed, such as the password.');
    const shown = await checkPassword(deps, userId, given.password, client);
    if (shown === null) throw new Refusal('proof_refused');
    return { proven: BY_PASSWORD, use: { kind: 'password', passwordHash: shown.user.passwordHash } };
  };

async function verifyCode(
  deps: Deps,
  subject: { readonly userId: string; readonly account: FactorsOfAccount },
  { code, recoveryCode }: GivenProof,
  client: ClientInfo,
): Promise<VerifiedProof> {
  const { userId } = subject;
  const proof = code === undefined ? recoveryCode !== undefined && { recoveryCode } : { code };
  if (proof === false)
    throw new Refusal('proof_refused', 'This account has a second factor: send a code or a recovery code.');
  const recordSuccess = await beginProofAttempt(deps, userId, client);
  const terms = { nonce: '', requireUserVerification: true };
  const use = await verifySecondFactor(deps, subject, proof, terms, deps.clock());
  if (use === null) {
    await recordRefusal(deps, 'users.proof_refused', userId, client);
    deps.securityLog('proof_refused', { userId, address: client.address });
    throw new Refusal('proof_refused');
  }
  await recordSuccess();
  return { proven: BY_CODE, use };
}
