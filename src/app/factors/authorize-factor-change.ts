import { type EmailVerification, needsVerification } from '../../domain/email-address.ts';
import type { ClientInfo } from '../../domain/events.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { User } from '../../domain/user.ts';
import type { FactorsOfAccount, SecondFactors } from '../../ports/stores/second-factors.ts';
import { type ConfirmPasswordDeps, confirmPassword } from '../accounts/confirm-password.ts';
import {
  type RecentSignInDeps,
  requireRecentSignIn,
  type SignIn,
} from '../accounts/require-recent-sign-in.ts';

export interface FactorChangeDeps extends ConfirmPasswordDeps, RecentSignInDeps {
  readonly secondFactors: SecondFactors;
}

/** A request of a signed-in user that changes the factors of the account. */
export interface FactorChangeRequest extends SignIn {
  /** The password of the account, if the request has it. */
  readonly password?: string | undefined;
  readonly client: ClientInfo;
}

/**
 * Requires a recent sign-in for a change of factors, and returns the factors. A stolen access token must not add or remove
 * a factor. The password in the request counts as a sign-in, unless the account has a second factor. Then the sign-in must
 * have proved a factor, too, or be older than the first one: the session that has just added it goes on.
 *
 * Rejects with a {@link Refusal}: `not_found` for users without an account here, `step_up_required`, `unauthenticated`,
 * `invalid_credentials`, `too_many_requests`.
 */
export async function authorizeFactorChange(
  deps: FactorChangeDeps,
  { password, client, ...signIn }: FactorChangeRequest,
): Promise<FactorsOfAccount> {
  const { userId, authentication } = signIn;
  const account = await deps.secondFactors.find(userId);
  if (account === null) throw new Refusal('not_found', 'This user has no account here.');
  const confirmedAt = account.factors.flatMap((factor) => factor.confirmedAt ?? []);
  if (confirmedAt.length === 0 && password !== undefined) {
    await confirmPassword(deps, userId, password, client);
    return account;
  }
  const isOlder = (authentication.auth_time ?? 0) * 1000 <= Math.min(...confirmedAt);
  await requireRecentSignIn(deps, signIn, isOlder ? null : 'aal2');
  return account;
}

/**
 * Requires that the owner of the account has proved to receive mail at its address, before a factor is added. Otherwise a
 * person who registered with another person's address could lock its owner out. Rejects with a {@link Refusal}:
 * `not_found`, `email_unverified`.
 */
export async function requireProvenAddress(
  {
    users,
    emailVerification,
  }: Pick<FactorChangeDeps, 'users'> & { readonly emailVerification: EmailVerification },
  userId: string,
): Promise<User> {
  const user = await users.find(userId);
  if (user === null) throw new Refusal('not_found', 'This user has no account here.');
  if (needsVerification(user, emailVerification))
    throw new Refusal(
      'email_unverified',
      'A second factor needs a proven address. Open the link in the mail first.',
    );
  return user;
}
