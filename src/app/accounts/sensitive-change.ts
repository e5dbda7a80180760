import type { ClientInfo } from '../../domain/events.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isConfirmed } from '../../domain/second-factor.ts';
import type { User } from '../../domain/user.ts';
import type { SecondFactors } from '../../ports/stores/second-factors.ts';
import { applyWithPassword, type ShownPassword } from './apply-with-password.ts';
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

/** A request that may make its change. `shown`: the password of the request; null if it was authorized by its sign-in. */
export interface AuthorizedRequest {
  readonly user: User;
  readonly shown: ShownPassword | null;
}

/**
 * Requires the password, or a recent sign-in. An account with a second factor must have signed in or stepped up with that
 * factor: a thief who knows the password gets no further. Rejects with a {@link Refusal}: `not_found` for users without an account
 * here, `invalid_credentials`, `too_many_requests`, `step_up_required`, `unauthenticated`.
 */
export async function authorizeChange(
  deps: SensitiveChangeDeps,
  { password, client, ...signIn }: SensitiveRequest,
): Promise<AuthorizedRequest> {
  const account = await deps.secondFactors.find(signIn.userId);
  const hasFactor = account?.factors.some(isConfirmed) === true;
  if (password !== undefined && !hasFactor) {
    const shown = await confirmPassword(deps, signIn.userId, password, client);
    return { user: shown.user, shown };
  }
  const user = await deps.users.find(signIn.userId);
  if (user === null) throw new Refusal('not_found', 'This user has no account here.');
  await requireRecentSignIn(deps, signIn, hasFactor ? 'aal2' : null);
  return { user, shown: null };
}

/**
 * Applies a change that depends on the hash of the password: see {@link applyWithPassword}. A sign-in authorizes one
 * attempt. If the password was changed meanwhile, its owner may have done that to end the session of a thief.
 */
export async function applyChange<T>(
  deps: SensitiveChangeDeps,
  { user, shown }: AuthorizedRequest,
  change: (user: User) => Promise<T | null>,
): Promise<T> {
  if (shown !== null) return applyWithPassword(deps, shown, change);
  const result = await change(user);
  if (result !== null) return result;
  throw new Refusal('step_up_required', undefined, { maxAge: deps.policy.stepUpMaxAge });
}
