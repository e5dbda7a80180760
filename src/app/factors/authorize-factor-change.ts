import { type EmailVerification, needsVerification } from '../../domain/email-address.ts';
import { Refusal } from '../../domain/refusal.ts';
import { hasAddedFactor, MAX_FACTORS } from '../../domain/second-factor.ts';
import type { User } from '../../domain/user.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import {
  type AuthorizedRequest,
  authorizeChange,
  type SensitiveChangeDeps,
  type SensitiveRequest,
} from '../accounts/sensitive-change.ts';

export interface FactorChangeDeps extends SensitiveChangeDeps {
  readonly secondFactors: SecondFactors;
}

/**
 * Requires a recent sign-in for a change of factors: a stolen access token must not add or remove a factor. The change
 * must be made by `applyChange`. The password in the request counts as a sign-in if the account has no second factor.
 * Otherwise the sign-in must have proved a factor, too, because the session may be a thief's. A session that added a
 * factor is exempt: its sign-in need not have proved the factor.
 *
 * Rejects with a {@link Refusal}: `not_found` for users without an account here, `step_up_required`, `unauthenticated`,
 * `invalid_credentials`, `too_many_requests`.
 */
export async function authorizeFactorChange(
  deps: FactorChangeDeps,
  request: SensitiveRequest,
): Promise<AuthorizedRequest> {
  return authorizeChange(deps, request, ({ factors }) => hasAddedFactor(factors, request.sessionId));
}

export function tooManyFactors(): Refusal {
  return new Refusal('conflict', `An account has at most ${MAX_FACTORS} factors. Remove one first.`);
}

/**
 * Requires that the mail address of the account is proven before a factor is added, unless EMAIL_VERIFICATION is off.
 * Otherwise a person who registered with another person's address could lock out the owner of the address. Throws a
 * {@link Refusal} `email_unverified`.
 */
export function requireProvenAddress(user: User, emailVerification: EmailVerification): void {
  if (needsVerification(user, emailVerification))
    throw new Refusal(
      'email_unverified',
      'Confirm the mail address of the account before you add a second factor: open the link in the mail.',
    );
}
