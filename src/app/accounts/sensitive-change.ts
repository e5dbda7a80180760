import type { ClientInfo } from '../../domain/client-info.ts';
import { accountNotFound, Refusal } from '../../domain/refusal.ts';
import { isConfirmed } from '../../domain/second-factor.ts';
import type { User } from '../../domain/user.ts';
import type { ChangeCondition } from '../../ports/stores/change-condition.ts';
import type { FactorsOfAccount, SecondFactors } from '../../ports/stores/second-factors.ts';
import type { SessionOfUser } from '../revocation/revoke-family.ts';
import { applyWithPassword, type VerifiedPassword } from './apply-with-password.ts';
import { type ConfirmPasswordDeps, confirmPassword } from './confirm-password.ts';
import {
  type RecentSignInDeps,
  requireLiveSession,
  requireRecentSignIn,
  type SignIn,
} from './require-recent-sign-in.ts';

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
 * A request that may make its change while `condition` holds. `account` and `user` are current as long as it holds.
 * `verified`: the verified password; null if a recent sign-in authorized the request.
 */
export interface AuthorizedRequest {
  readonly request: Omit<SensitiveRequest, 'password'>;
  readonly account: FactorsOfAccount;
  readonly user: User;
  readonly verified: VerifiedPassword | null;
  readonly condition: ChangeCondition;
}

/**
 * Requires the password of the request, or a recent sign-in. If the account has a second factor, the user must have
 * proved it recently: the password alone is not enough. Returns the password, or null if the sign-in authorized the
 * request. Rejects with a {@link Refusal}: `invalid_credentials`, `too_many_requests`, `step_up_required`,
 * `unauthenticated`.
 *
 * @param isExempt whether a sign-in without the second factor is enough
 */
async function requireOwner(
  deps: SensitiveChangeDeps,
  { password, client, ...signIn }: SensitiveRequest,
  account: FactorsOfAccount,
  isExempt: boolean,
): Promise<VerifiedPassword | null> {
  const hasFactor = account.factors.some(isConfirmed);
  if (password !== undefined && !hasFactor) return confirmPassword(deps, signIn.userId, password, client);
  await requireRecentSignIn(deps, signIn, hasFactor && !isExempt ? 'aal2' : null);
  return null;
}

/**
 * Requires the owner of the account: see {@link requireOwner}. Also rejects with `not_found` for users without an
 * account here. The change must be made by {@link applyChange}.
 *
 * @param isExempt whether a sign-in without the second factor is enough
 */
export async function authorizeChange(
  deps: SensitiveChangeDeps,
  request: SensitiveRequest,
  isExempt: (account: FactorsOfAccount) => boolean = () => false,
): Promise<AuthorizedRequest> {
  const account = await findAccount(deps, request.userId);
  const verified = await requireOwner(deps, request, account, isExempt(account));
  const user = verified?.user ?? (await deps.users.find(request.userId));
  if (user === null) throw accountNotFound();
  return { request, account, user, verified, condition: conditionOf(deps, request, account) };
}

/** Finds the account before the checks of a request, because its security version must be older than the checks. */
export async function findAccount(
  { secondFactors }: Pick<SensitiveChangeDeps, 'secondFactors'>,
  userId: string,
): Promise<FactorsOfAccount> {
  const account = await secondFactors.find(userId);
  if (account === null) throw accountNotFound();
  return account;
}

/**
 * The condition of a change that a session requests: the account still has the version that it had before the checks.
 */
export function conditionOf(
  { clock }: Pick<SensitiveChangeDeps, 'clock'>,
  { sessionId }: SessionOfUser,
  { securityVersion }: Pick<FactorsOfAccount, 'securityVersion'>,
): ChangeCondition {
  return { securityVersion, sessionId, now: clock() };
}

/**
 * Makes the change of an authorized request. `change` returns null, and changes nothing, if the condition does not
 * hold. Then a request with a password is authorized and tried again: a concurrent login can replace the hash of the
 * same password. If a sign-in authorized the request, the change is tried only once. The owner may have changed the
 * password meanwhile, to end the session of a thief.
 *
 * Rejects with a {@link Refusal}: `unauthenticated` if the session has ended, `step_up_required`, and those of {@link
 * applyWithPassword}.
 */
export async function applyChange<T>(
  deps: SensitiveChangeDeps,
  authorized: AuthorizedRequest,
  change: (authorized: AuthorizedRequest) => Promise<T | null>,
): Promise<T> {
  const { request, verified } = authorized;
  if (verified !== null)
    return applyWithPassword(deps, verified, async (user, attempt) => {
      const current = attempt === 1 ? authorized : await authorizeAgain(deps, request, { ...verified, user });
      return current && change(current);
    });
  const result = await change(authorized);
  if (result !== null) return result;
  await requireLiveSession(deps, request);
  throw new Refusal('step_up_required', undefined, { maxAge: deps.policy.stepUpMaxAge });
}

/** Null if the account no longer has the hash of the verified password. */
async function authorizeAgain(
  deps: SensitiveChangeDeps,
  request: AuthorizedRequest['request'],
  verified: VerifiedPassword,
): Promise<AuthorizedRequest | null> {
  const account = await findAccount(deps, request.userId);
  const user = await deps.users.find(request.userId);
  if (user === null || account.passwordHash !== verified.user.passwordHash) return null;
  await requireLiveSession(deps, request);
  if (account.factors.some(isConfirmed)) await requireRecentSignIn(deps, request, 'aal2');
  return { request, account, user, verified, condition: conditionOf(deps, request, account) };
}
