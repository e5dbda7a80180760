import type { ClientInfo } from '../../domain/client-info.ts';
import { networkOf } from '../../domain/network.ts';
import { accountNotFound, Refusal } from '../../domain/refusal.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { AuditLog } from '../../ports/stores/audit-log.ts';
import type { Users } from '../../ports/stores/users.ts';
import type { VerifiedPassword } from './apply-with-password.ts';
import { beginPasswordAttempt, type PasswordAttemptDeps } from './begin-password-attempt.ts';

export interface ConfirmPasswordDeps extends PasswordAttemptDeps {
  readonly users: Users;
  readonly passwords: PasswordHasher;
  readonly auditLog: AuditLog;
}

/**
 * Verifies the password of a signed-in user again, because a stolen access token must not change the account.
 * Rejects with a {@link Refusal}: `not_found` for users without an account here, `invalid_credentials`,
 * `too_many_requests`.
 */
export async function confirmPassword(
  deps: ConfirmPasswordDeps,
  userId: string,
  password: string,
  client: ClientInfo,
): Promise<VerifiedPassword> {
  const verified = await checkPassword(deps, userId, password, client);
  if (verified === null) throw new Refusal('invalid_credentials');
  return verified;
}

/** Verifies the password as {@link confirmPassword} does, but returns null if it is wrong. */
export async function checkPassword(
  deps: ConfirmPasswordDeps,
  userId: string,
  password: string,
  client: ClientInfo,
): Promise<VerifiedPassword | null> {
  const user = await deps.users.find(userId);
  if (user === null) throw accountNotFound();
  const recordSuccess = await beginPasswordAttempt(deps, { userId: user.id, identifier: user.id }, client);
  const network = networkOf(client.address);
  if (!(await deps.passwords.verify(user.passwordHash, password, network))) {
    await deps.auditLog.countFailedPassword({ userId, network, at: deps.clock() });
    deps.securityLog('password_confirmation_failed', { userId, address: client.address });
    return null;
  }
  await recordSuccess();
  return { user, password, network };
}
