import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { normalizePassword } from '../../domain/password.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import { changeEntries } from '../change-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { applyWithPassword } from './apply-with-password.ts';
import { assertAcceptablePassword, type NewPasswordDeps } from './assert-acceptable-password.ts';
import { type ConfirmPasswordDeps, confirmPassword } from './confirm-password.ts';

export interface ChangePasswordDeps extends ConfirmPasswordDeps, NewPasswordDeps {
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly newId: NewId;
}

export interface ChangePasswordInput {
  readonly userId: string;
  /** The session of the request. It stays alive; all other sessions end. */
  readonly sessionId: string;
  readonly currentPassword: string;
  readonly newPassword: string;
  readonly client: ClientInfo;
}

export type ChangePassword = (input: ChangePasswordInput) => Promise<void>;

/** Sets a new password, ends every other session and sends a mail. Rejects with a {@link Refusal}. */
export const changePassword = (deps: ChangePasswordDeps): ChangePassword => {
  const { users, passwords, clock, newId } = deps;

  return async ({ userId, sessionId, currentPassword, newPassword, client }) => {
    const shown = await confirmPassword(deps, userId, currentPassword, client);
    const password = normalizePassword(newPassword);
    await assertAcceptablePassword(deps, password, shown.user);

    const at = clock();
    const passwordHash = await passwords.hash(password, shown.network);
    const event = {
      type: 'users.password_changed',
      occurredAt: at,
      data: { userId, ...clientFacts(client) },
    } as const;
    const change = { passwordHash, except: sessionId, at };
    const ended = await applyWithPassword(deps, shown, (user) =>
      users.changePassword(
        userId,
        user.passwordHash,
        change,
        changeEntries(newId, byUser(client), [{ event }]),
      ),
    );
    const who = { userId, address: client.address };
    deps.securityLog('password_changed', { ...who, sessionId });
    reportEnded(deps, ended.sessions, { at, reason: 'password_changed' }, who);
  };
};
