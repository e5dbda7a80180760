import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { normalizePassword } from '../../domain/password.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isConfirmed } from '../../domain/second-factor.ts';
import type { NewId } from '../../ports/new-id.ts';
import { changeEntries } from '../change-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { assertAcceptablePassword, type NewPasswordDeps } from './assert-acceptable-password.ts';
import { confirmPassword } from './confirm-password.ts';
import { requireRecentSignIn, type SignIn } from './require-recent-sign-in.ts';
import {
  type AuthorizedRequest,
  applyChange,
  conditionOf,
  findAccount,
  type SensitiveChangeDeps,
} from './sensitive-change.ts';

export interface ChangePasswordDeps extends SensitiveChangeDeps, NewPasswordDeps {
  readonly newId: NewId;
}

/** The session of the request stays alive; all other sessions end. */
export interface ChangePasswordInput extends SignIn {
  readonly currentPassword: string;
  readonly newPassword: string;
  readonly client: ClientInfo;
}

export type ChangePassword = (input: ChangePasswordInput) => Promise<void>;

/**
 * Sets a new password, ends every other session and sends a mail. If the account has a second factor, the user must
 * have proved it recently. Otherwise a thief with a session and the password could end the owner's sessions.
 *
 * Rejects with a {@link Refusal}: `not_found`, `invalid_credentials`, `invalid_request`, `step_up_required`,
 * `too_many_requests`, `unauthenticated`, `unavailable`.
 */
export const changePassword = (deps: ChangePasswordDeps): ChangePassword => {
  const { users, passwords, clock, newId } = deps;

  return async ({ currentPassword, newPassword, ...request }) => {
    const { userId, sessionId, client } = request;
    const authorized = await authorize(request, currentPassword);
    const { verified } = authorized;
    const password = normalizePassword(newPassword);
    await assertAcceptablePassword(deps, password, verified.user);

    const at = clock();
    const passwordHash = await passwords.hash(password, verified.network);
    const event = {
      type: 'users.password_changed',
      occurredAt: at,
      data: { userId, ...clientFacts(client) },
    } as const;
    const change = { passwordHash, except: sessionId, at };
    const ended = await applyChange(deps, authorized, ({ condition }) =>
      users.changePassword(userId, condition, change, changeEntries(newId, byUser(client), [{ event }])),
    );
    const who = { userId, address: client.address };
    deps.securityLog('password_changed', { ...who, sessionId });
    reportEnded(deps, ended.sessions, { at, reason: 'password_changed' }, who);
  };

  async function authorize(request: AuthorizedRequest['request'], currentPassword: string) {
    const { userId, client } = request;
    const account = await findAccount(deps, userId);
    if (account.factors.some(isConfirmed)) await requireRecentSignIn(deps, request, 'aal2');
    const verified = await confirmPassword(deps, userId, currentPassword, client);
    const condition = conditionOf(deps, request, account);
    return { request, account, user: verified.user, verified, condition };
  }
};
