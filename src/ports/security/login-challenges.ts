import type { Challenge } from '../../domain/challenge.ts';

/** Seals and opens challenges. A client can neither read nor make a challenge. */
export interface ChallengeSealer {
  /** 32 new random bytes, base64url. */
  newNonce(): string;

  seal(challenge: Challenge): Promise<string>;

  /**
   * Null: the text is not a challenge of this service and purpose, or it was altered. The caller checks whether the
   * challenge is alive.
   */
  open<Purpose extends Challenge['purpose']>(
    text: string,
    purpose: Purpose,
  ): Promise<Extract<Challenge, { purpose: Purpose }> | null>;

  /** The stored form of a nonce, base64url. */
  hashNonce(nonce: string): string;
}
