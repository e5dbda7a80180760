import type { AttemptPolicy } from './attempts.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

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
 * Whether the session has added a factor that is in use. Its confirmation proved that factor, although the tokens of
 * the session say nothing of it.
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

/** The number of factors of one account, confirmed or not. */
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
 * invalidates the codes of earlier steps. Another person may have seen a code that was not sent.
 */
export function isUnusedStep(lastStep: number | null, step: number): boolean {
  return lastStep === null || step > lastStep;
}

/** Milliseconds that a challenge can be answered. */
export const CHALLENGE_LIFE = 5 * MINUTE;

/** The maximum number of responses to one challenge, valid or not. */
export const MAX_ANSWERS = 5;

/** A passkey (WebAuthn) as the service keeps it: no part of it is secret. Binary values are base64url. */
export interface Passkey {
  readonly credentialId: string;
  /** COSE_Key (RFC 9052 section 7). */
  readonly publicKey: string;
  /** 0 for passkeys that do not count. */
  readonly signCount: number;
  readonly transports: readonly string[];
  /** Whether the key may exist on several devices. */
  readonly isBackedUp: boolean;
}

/**
 * Whether the sign count of an assertion can follow the stored one: it grows, or the passkey does not count. Otherwise
 * two copies of the key may be in use (WebAuthn section 6.1.1).
 */
export function isNextSignCount(stored: number, next: number): boolean {
  return next > stored || (next === 0 && stored === 0);
}

/** What a challenge is for. A challenge is valid for its purpose only. */
type ChallengePurpose = 'second_step' | 'passkey_login' | 'step_up' | 'new_passkey';

interface AnyChallenge {
  readonly purpose: ChallengePurpose;
  /** Random and new for each challenge, base64url. An assertion signs it. */
  readonly nonce: string;
  readonly expiresAt: number;
}

/** The challenge of a login by passkey. It names no account. */
export interface PasskeyLoginChallenge extends AnyChallenge {
  readonly purpose: 'passkey_login';
}

/** The challenge of a step-up by a passkey. The session that is stepped up names the account. */
export interface StepUpChallenge extends AnyChallenge {
  readonly purpose: 'step_up';
}

/** The challenge of the registration of a passkey. */
export interface NewPasskeyChallenge extends AnyChallenge {
  readonly purpose: 'new_passkey';
  readonly userId: string;
  readonly securityVersion: string;
}

export type Challenge = LoginChallenge | PasskeyLoginChallenge | StepUpChallenge | NewPasskeyChallenge;

/** The challenge of the second step of a login. Valid for one account in one state. Times in milliseconds. */
export interface LoginChallenge extends AnyChallenge {
  readonly purpose: 'second_step';
  readonly userId: string;
  /** The state of the account: a change of the password, the address or a factor ends the challenge. */
  readonly securityVersion: string;
  /** Whether the session will be paired. */
  readonly paired: boolean;
  /** The key to which the first step binds the session; null: it is not bound. */
  readonly jkt: string | null;
  /** The lifetime of the session in milliseconds, if the login asked for a shorter one. */
  readonly maxAge?: number;
  /** Absent: the user wants to be remembered. */
  readonly remembered?: false;
}

export function isChallengeAlive({ expiresAt }: Pick<Challenge, 'expiresAt'>, now: number): boolean {
  return now < expiresAt;
}

/** An answer to a challenge, whose stored form is a hash of its nonce. */
export interface ChallengeAnswer {
  /** base64url. */
  readonly hashedNonce: string;
  readonly expiresAt: number;
}

/** The stored answers to a challenge. An unanswered challenge has no stored state. */
export interface AnsweredChallenge {
  readonly answers: number;
  readonly isUsed: boolean;
}

/**
 * Counts one more answer before its proof is verified, so that parallel guesses gain nothing over sequential ones.
 * Null: the challenge is used, or it has taken {@link MAX_ANSWERS} answers.
 */
export function countAnswer(before: AnsweredChallenge | undefined): AnsweredChallenge | null {
  const { answers, isUsed } = before ?? { answers: 0, isUsed: false };
  return isUsed || answers >= MAX_ANSWERS ? null : { answers: answers + 1, isUsed: false };
}

/** Uses up a challenge after a right answer. Null: another answer was first. */
export function useChallenge(
  before: AnsweredChallenge = { answers: 1, isUsed: false },
): AnsweredChallenge | null {
  return before.isUsed ? null : { ...before, isUsed: true };
}

/** The security version of a user whose account was never changed. */
export const FIRST_SECURITY_VERSION = '00000000-0000-0000-0000-000000000000';

/**
 * A verified proof that is not used up yet. The change that it allows must use it up in the same transaction.
 */
export type FactorProofUse =
  | { readonly kind: 'totp'; readonly factorId: string; readonly step: number }
  | {
      readonly kind: 'passkey';
      readonly factorId: string;
      readonly signCount: number;
      readonly isBackedUp: boolean;
    }
  /** `hash` is the stored form of the code. */
  | { readonly kind: 'recovery_code'; readonly hash: string };

/**
 * The limits of wrong proofs. Ten are free. Then each one doubles a wait of half a minute up to an hour. A guesser who
 * knows the password gets about 30 guesses a day at three valid codes in a million. As with passwords, networks at
 * which the owner has given a proof have a count of their own.
 */
export const PROOF_ATTEMPT_POLICY: AttemptPolicy = {
  account: { free: 10, firstDelay: MINUTE / 2, longestDelay: HOUR, quiet: 24 * HOUR, forgetOneAfter: null },
  network: {
    free: 20,
    firstDelay: 1_000,
    longestDelay: 15 * MINUTE,
    quiet: 20 * MINUTE,
    forgetOneAfter: MINUTE,
  },
  knownFor: 90 * 24 * HOUR,
  knownNetworks: 20,
};
