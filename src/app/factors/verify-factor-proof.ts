import {
  type FactorProofUse,
  isConfirmed,
  isNextSignCount,
  isUnusedStep,
  type Passkey,
} from '../../domain/second-factor.ts';
import type { DataSealer } from '../../ports/security/data-sealer.ts';
import type { CredentialAnswer, Passkeys } from '../../ports/security/passkeys.ts';
import type { RecoveryCodes } from '../../ports/security/recovery-codes.ts';
import type { Totp } from '../../ports/security/totp.ts';
import type { FactorsOfAccount, StoredTotp } from '../../ports/stores/second-factors.ts';

export interface FactorProofDeps {
  readonly totp: Totp;
  readonly sealer: DataSealer;
  readonly recoveryCodes: RecoveryCodes;
  readonly passkeys: Passkeys;
}

/** What a user shows to prove that they have a second factor. */
export type FactorProof =
  | { readonly code: string }
  | { readonly recoveryCode: string }
  | { readonly assertion: CredentialAnswer };

/** The account that a proof is for. */
export interface AccountToProve {
  readonly userId: string;
  readonly account: FactorsOfAccount;
}

/** The nonce that an assertion signs, base64url, and whether the passkey must verify its user. */
export interface ProofTerms {
  readonly nonce: string;
  readonly requireUserVerification: boolean;
}

/** The passkeys of an account. */
export function passkeysOf({ factors }: FactorsOfAccount): readonly Passkey[] {
  return factors.flatMap((factor) => (factor.kind === 'passkey' ? [factor.passkey] : []));
}

/**
 * Verifies a proof against the factors of an account, and changes nothing. Returns what the caller must use up in the
 * transaction of the allowed change. Null for a wrong proof, and for a proof that the account already shows as used.
 * The transaction decides which one of several concurrent uses succeeds.
 *
 * @param now milliseconds since the epoch
 */
export async function verifyFactorProof(
  deps: FactorProofDeps,
  { userId, account }: AccountToProve,
  proof: FactorProof,
  terms: ProofTerms,
  now: number,
): Promise<FactorProofUse | null> {
  if ('recoveryCode' in proof) {
    const hash = deps.recoveryCodes.hash(userId, proof.recoveryCode);
    return account.recoveryCodes.includes(hash) ? { kind: 'recovery_code', hash } : null;
  }
  return 'code' in proof
    ? verifyCode(deps, account, proof.code, now)
    : verifyAssertion(deps, account, proof.assertion, terms);
}

async function verifyCode(
  deps: FactorProofDeps,
  { factors }: FactorsOfAccount,
  code: string,
  now: number,
): Promise<FactorProofUse | null> {
  for (const factor of factors.filter(isConfirmed)) {
    if (factor.kind !== 'totp') continue;
    const step = await stepOfFactor(deps, factor, code, now);
    if (step !== null && isUnusedStep(factor.totp.lastStep, step))
      return { kind: 'totp', factorId: factor.id, step };
  }
  return null;
}

async function verifyAssertion(
  { passkeys }: FactorProofDeps,
  { factors }: FactorsOfAccount,
  assertion: CredentialAnswer,
  terms: ProofTerms,
): Promise<FactorProofUse | null> {
  for (const factor of factors) {
    if (factor.kind !== 'passkey' || factor.passkey.credentialId !== assertion.id) continue;
    const { id: factorId, passkey } = factor;
    const verified = await passkeys.verifyAssertion(assertion, { ...terms, passkey });
    if (verified === null || !isNextSignCount(passkey.signCount, verified.signCount)) return null;
    return { kind: 'passkey', factorId, ...verified };
  }
  return null;
}

/** The time step of a code of this factor; null for a wrong code. */
export async function stepOfFactor(
  { totp, sealer }: Pick<FactorProofDeps, 'totp' | 'sealer'>,
  { id, totp: { sealedSecret } }: Pick<StoredTotp, 'id' | 'totp'>,
  code: string,
  now: number,
): Promise<number | null> {
  return totp.stepOf(await sealer.open({ rowId: id, sealed: sealedSecret }), code, now);
}
