import type { Proven } from './authentication.ts';
import type { ProofUse as SecondFactorUse } from './second-factor.ts';

/**
 * A verified proof as the change that it allows relies on it. The transaction of that change checks that it still holds,
 * or uses it up. A password holds while the account has the hash that it matched.
 */
export type ProofUse = { readonly kind: 'password'; readonly passwordHash: string } | SecondFactorUse;

/** What a user has proved, and by what. */
export interface VerifiedProof {
  readonly proven: Proven;
  readonly use: ProofUse;
}
