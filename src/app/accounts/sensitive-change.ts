import type { ClientInfo } from '../../domain/client-info.ts';
import { accountNotFound, Refusal } from '../../domain/refusal.ts';
import { isConfirmed } from '../../domain/second-factor.ts';
import type { User } from '../../domain/user.ts';
import type { FactorsOfAccount, SecondFactors } from '../../ports/stores/second-factors.ts';
import { applyWithPassword, type VerifiedPassword } from './apply-with-password.ts';
import { type ConfirmPasswordDeps, confirmPassword } from './confirm-password.ts';
import { type RecentSignInDeps, requireRecentSignIn, type SignIn } from './require-recent-sign-in.ts';

export interface SensitiveChangeDeps extends ConfirmPasswordDeps, RecentSignInDeps {
  readonly secondFactors: Pick<SecondFactors, 'find'>;
}

/** A request for a change that a stolen access token must not make. */
export interface SensitiveRequest extends SignIn {
  /** Counts as a recent sign-in, unless the account has a second factor. */
  readonly password?: string | undefined;
  readonly client: ClientInfo;
}

/**
 * A request that may make its change. `verified`: the verified password; null if a recent sign-in authorized the
 * request.
 */
export interface AuthorizedRequest {
  readonly user: User;
  readonly verified: VerifiedPassword | null;
}

/**
 * Requires the password of the request, or a recent sign-in. If the account has a second factor, the user must have
 * proved it recently: the password alone is not enough. Returns the password, or null if the sign-in authorized the
 * request. Rejects with a {@link Refusal}: `invalid_credentials`, `too_many_requests`, `step_up_required`,
 * `unauthenticated`.
 *
 * @param isExempt whether a sign-in without the second factor is enough
 */
export async function requireOwner(
  deps: SensitiveChangeDeps,
  { password, client, ...signIn }: SensitiveRequest,
  account: FactorsOfAccount,
  isExempt = false,
): Promise<VerifiedPassword | null> {
  const hasFactor = account.factors.some(isConfirmed);
  if (password !== undefined && !hasFactor) return confirmPassword(deps, signIn.userId, password, client);
  await requireRecentSignIn(deps, signIn, hasFactor && !isExempt ? 'aal2' : null);
  return null;
}

/**
 * Requires the owner of the account: see {@link requireOwner}. Also rejects with `not_found` for users without an
 * account here.
 */
export async function authorizeChange(
  deps: SensitiveChangeDeps,
  request: SensitiveRequest,
): Promise<AuthorizedRequest> {
  const account = await deps.secondFactors.find(request.userId);
  if (account === null) throw accountNotFound();
  const verified = await requireOwner(deps, request, account);
  const user = verified?.user ?? (await deps.users.find(request.userId));
  if (user === null) throw accountNotFound();
  return { user, verified };
}

/**
 * Applies a change that depends on the hash of the password: see {@link applyWithPassword}. If a sign-in authorized the
 * request, the change is tried only once. The owner may have changed the password meanwhile, to end the session of a
 * thief.
 */
export async function applyChange<T>(
  deps: SensitiveChangeDeps,
  { user, verified }: AuthorizedRequest,
  change: (user: User) => Promise<T | null>,
): Promise<T> {
  if (verified !== null) return applyWithPassword(deps, verified, change);
  const result = await change(user);
  if (result !== null) return result;
  throw new Refusal('step_up_required', undefined, { maxAge: deps.policy.stepUpMaxAge });
}
