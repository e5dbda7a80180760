import type { Proven } from './authentication.ts';
import type { ChallengeAnswer, FactorProofUse as SecondFactorUse } from './second-factor.ts';

/**
 * A verified proof as the change that it allows relies on it. The transaction of that change checks that it still
 * holds, or uses it up. A password holds while the account has the hash that it matched. `challenge` is what an
 * assertion answers: without its use, an assertion of a key that does not count would be good again.
 */
export type ProofUse =
  | { readonly kind: 'password'; readonly passwordHash: string }
  | (SecondFactorUse & { readonly challenge?: ChallengeAnswer });

/** What a user has proved, and by what. */
export interface VerifiedIdentityProof {
  readonly proven: Proven;
  readonly use: ProofUse;
}
