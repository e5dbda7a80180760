import type { AttemptPolicy } from './attempts.ts';
import { DAY, HOUR, MINUTE, SECOND } from './durations.ts';

/** How a factor makes proofs. */
export type FactorKind = 'totp' | 'passkey';

/** What the user of an account can prove a login with, in addition to the password. */
export const PROOF_KINDS = ['totp', 'passkey', 'recovery_code'] as const satisfies readonly (
  | FactorKind
  | 'recovery_code'
)[];

export type ProofKind = (typeof PROOF_KINDS)[number];

/** A factor of an account. Times in milliseconds. */
export interface Factor {
  readonly id: string;
  readonly userId: string;
  readonly kind: FactorKind;
  /** The user's name for the factor. */
  readonly label: string;
  readonly createdAt: number;
  /** Null: the user has not proved yet that the factor works, so no login asks for it. */
  readonly confirmedAt: number | null;
  readonly lastUsedAt: number | null;
  /** The session that began to add the factor; null in rows of older releases. */
  readonly addedBy: string | null;
}

/**
 * Whether the session has added a factor that is confirmed by now. For changes of factors such a session counts as
 * having proved the factor: the user proved it to confirm it, although the tokens of the session do not record this.
 */
export function hasAddedFactor(
  factors: readonly Pick<Factor, 'addedBy' | 'confirmedAt'>[],
  sessionId: string,
): boolean {
  return factors.some((factor) => isConfirmed(factor) && factor.addedBy === sessionId);
}

/** The kinds of proof that a login can ask of an account: empty without a confirmed factor. */
export function proofKinds(
  factors: readonly Pick<Factor, 'kind' | 'confirmedAt'>[],
  recoveryCodes: number,
): readonly ProofKind[] {
  const kinds = new Set(factors.filter(isConfirmed).map(({ kind }) => kind));
  if (kinds.size === 0) return [];
  return recoveryCodes > 0 ? [...kinds, 'recovery_code'] : [...kinds];
}

export function isConfirmed({ confirmedAt }: Pick<Factor, 'confirmedAt'>): boolean {
  return confirmedAt !== null;
}

/** The maximum number of factors of one account, confirmed or not. */
export const MAX_FACTORS = 20;

/** The number of recovery codes that an account gets at once. */
export const RECOVERY_CODES = 10;

/** Milliseconds within which a new factor must be confirmed. */
export const CONFIRM_WITHIN = HOUR;

const LABEL = /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u;

/** Why the label of a factor is not acceptable, as a sentence; null if it is acceptable. */
export function labelFault(label: string): string | null {
  return LABEL.test(label) && label.trim() !== ''
    ? null
    : 'The label must be one line of 1 to 64 visible characters.';
}

/** Whether a factor can still be confirmed. */
export function canBeConfirmed(factor: Pick<Factor, 'createdAt' | 'confirmedAt'>, now: number): boolean {
  return !isConfirmed(factor) && now < factor.createdAt + CONFIRM_WITHIN;
}

/**
 * Whether the time step of a TOTP code can be used up. A code is valid once (RFC 6238 section 5.2). Its use also
 * invalidates the codes of earlier steps: another person may have seen an earlier code that was never entered.
 */
export function isUnusedStep(lastStep: number | null, step: number): boolean {
  return lastStep === null || step > lastStep;
}

/** A passkey (WebAuthn) as the service keeps it: no part of it is secret. Binary values are base64url. */
export interface Passkey {
  readonly credentialId: string;
  /** COSE_Key (RFC 9052 section 7). */
  readonly publicKey: string;
  /** 0 for passkeys that do not count. */
  readonly signCount: number;
  readonly transports: readonly string[];
  /** Whether the key may exist on several devices. */
  readonly isBackupEligible: boolean;
}

/** The maximum length of a credential id in bytes (WebAuthn level 3, section 4). */
const MAX_CREDENTIAL_ID = 1_023;

/** Why a new passkey cannot be stored, as a sentence; null if it can. */
export function passkeyFault({ credentialId }: Pick<Passkey, 'credentialId'>): string | null {
  const bytes = Math.floor((credentialId.length * 3) / 4);
  return bytes <= MAX_CREDENTIAL_ID ? null : 'The credential id of the passkey has more than 1,023 bytes.';
}

/**
 * Whether the sign count of an assertion can follow the stored one: it grows, or the passkey does not count. Otherwise
 * two copies of the key may be in use (WebAuthn section 6.1.1).
 */
export function isNextSignCount(stored: number, next: number): boolean {
  return next > stored || (next === 0 && stored === 0);
}

/** The security version of a user whose account was never changed. */
export const FIRST_SECURITY_VERSION = '00000000-0000-0000-0000-000000000000';

/** A verified proof that is not used up yet. The change that it allows must use it up in the same transaction. */
export type FactorProofUse =
  | { readonly kind: 'totp'; readonly factorId: string; readonly step: number }
  | {
      readonly kind: 'passkey';
      readonly factorId: string;
      readonly signCount: number;
      readonly isBackupEligible: boolean;
    }
  /** `hash` is the stored form of the code. */
  | { readonly kind: 'recovery_code'; readonly hash: string };

/**
 * The limits of wrong proofs. Nine wrong proofs cost no delay. The tenth costs half a minute, and each further wrong
 * proof doubles the delay, up to an hour. A guesser who knows the password gets about 40 guesses on the first day, and
 * 24 on each further day. At any moment three codes in a million are valid. As with passwords, a network from which the
 * owner has given a right proof has its own count.
 */
export const PROOF_ATTEMPT_POLICY: AttemptPolicy = {
  account: { free: 10, firstDelay: 30 * SECOND, longestDelay: HOUR, quiet: DAY, forgetOneAfter: null },
  network: {
    free: 20,
    firstDelay: SECOND,
    longestDelay: 15 * MINUTE,
    quiet: 20 * MINUTE,
    forgetOneAfter: MINUTE,
  },
  knownFor: 90 * DAY,
  knownNetworks: 20,
};
