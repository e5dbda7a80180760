import type { ProvenAuthentication } from './authentication.ts';
import type { ChallengeAnswer } from './challenge.ts';
import type { FactorProofUse } from './second-factor.ts';

/**
 * A verified identity proof, for the transaction of the change that it allows. That transaction checks that the
 * password hash is unchanged, or marks the code or assertion as used. It also marks `challenge` as used. Otherwise the
 * assertion of a passkey without a sign counter could be replayed.
 */
export type IdentityProofUse =
  | { readonly kind: 'password'; readonly passwordHash: string }
  | (FactorProofUse & { readonly challenge?: ChallengeAnswer });

/** What an identity proof shows, and what the transaction of the change must check or use up. */
export interface VerifiedIdentityProof {
  readonly proven: ProvenAuthentication;
  readonly use: IdentityProofUse;
}
