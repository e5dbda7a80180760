import { BY_PASSWORD } from '../../domain/authentication.ts';
import type { ClientInfo } from '../../domain/events.ts';
import type { VerifiedProof } from '../../domain/proof.ts';
import { Refusal } from '../../domain/refusal.ts';
import { type ConfirmPasswordDeps, checkPassword } from './confirm-password.ts';

/** What a user shows to prove who they are. Without a member nothing is shown. */
export interface GivenProof {
  readonly password?: string | undefined;
}

export type VerifyProof = (userId: string, given: GivenProof, client: ClientInfo) => Promise<VerifiedProof>;

/**
 * Verifies a proof and counts the attempt. The caller must pass `use` to the change that the proof allows. Rejects with a
 * {@link Refusal}: `not_found` for users without an account here, `proof_refused`, `too_many_requests`.
 */
export const verifyProof =
  (deps: ConfirmPasswordDeps): VerifyProof =>
  async (userId, { password }, client) => {
    if (password === undefined)
      throw new Refusal('proof_refused', 'A proof is needed, such as the password.');
    const shown = await checkPassword(deps, userId, password, client);
    if (shown === null) throw new Refusal('proof_refused');
    return { proven: BY_PASSWORD, use: { kind: 'password', passwordHash: shown.user.passwordHash } };
  };
