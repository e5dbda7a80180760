import { MINUTE } from './durations.ts';

/** Milliseconds within which a challenge can be answered. */
export const CHALLENGE_LIFE = 5 * MINUTE;

/** The maximum number of answers to the challenge of a second step or of a step-up, valid or not. */
export const MAX_ANSWERS = 5;

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

export type Challenge = SecondFactorChallenge | PasskeyLoginChallenge | StepUpChallenge | NewPasskeyChallenge;

/** The challenge of the second step of a login. Valid for one account in one state. Times in milliseconds. */
export interface SecondFactorChallenge extends AnyChallenge {
  readonly purpose: 'second_step';
  readonly userId: string;
  /** The state of the account: a change of the password, the address or a factor ends the challenge. */
  readonly securityVersion: string;
  /** Whether the session will be paired. */
  readonly paired: boolean;
  /** The key to which the first step binds the session; null: it is not bound. */
  readonly jkt: string | null;
  /** The lifetime of the session in milliseconds, if the login asked for a shorter lifetime. */
  readonly maxAge?: number;
  /** Absent: the user wants to be remembered. */
  readonly remembered?: false;
}

export function isChallengeAlive({ expiresAt }: Pick<Challenge, 'expiresAt'>, now: number): boolean {
  return now < expiresAt;
}

/** Identifies a challenge that was answered. The database stores only a hash of its nonce. */
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
