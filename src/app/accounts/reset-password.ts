import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { isEmailVerified } from '../../domain/email-address.ts';
import type { Occurrence } from '../../domain/events.ts';
import { networkOf } from '../../domain/network.ts';
import { normalizePassword } from '../../domain/password.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import { identifiersOf, type User } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import type { Users } from '../../ports/stores/users.ts';
import { runAfterCommit } from '../after-commit.ts';
import { changeEntries } from '../change-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { assertAcceptablePassword, type NewPasswordDeps } from './assert-acceptable-password.ts';

interface Deps extends NewPasswordDeps {
  readonly users: Users;
  readonly passwords: PasswordHasher;
  readonly links: LinkSecrets;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly attempts: Attempts;
  readonly log: Log;
  readonly securityLog: SecurityLog;
}

export type CheckResetLink = (token: string) => Promise<{ readonly username: string }>;

/**
 * Reads the account of a reset link without using the link up. Rejects with a {@link Refusal} `invalid_link` if the
 * link is not valid.
 */
export const checkResetLink =
  ({ users, links, clock }: Pick<Deps, 'users' | 'links' | 'clock'>): CheckResetLink =>
  async (token) => {
    const user = await users.findReset(links.hashSecret(token), clock());
    if (user === null) throw invalidLink();
    return { username: user.username };
  };

export interface PasswordResetResult {
  /** Whether the reset proved the address of the account, which was not verified before. */
  readonly emailVerified: boolean;
}

export type ResetPassword = (input: {
  token: string;
  newPassword: string;
  client: ClientInfo;
}) => Promise<PasswordResetResult>;

/**
 * Uses a password-reset link: sets the password, ends every session, sends a mail. The link was mailed to the address
 * of the account, so it proves that address. Rejects with a {@link Refusal}.
 */
export const resetPassword =
  (deps: Deps): ResetPassword =>
  async ({ token, newPassword, client }) => {
    const { users, passwords, links, clock, newId, attempts } = deps;
    const at = clock();
    const hashedToken = links.hashSecret(token);
    const user = await users.findReset(hashedToken, at);
    if (user === null) throw invalidLink();
    const password = normalizePassword(newPassword);
    await assertAcceptablePassword(deps, password, user);

    const passwordHash = await passwords.hash(password, networkOf(client.address));
    const change = { passwordHash, except: null, at };
    const occurrences = resetOccurrences(user, client, at);
    const ended = await users.useReset(
      hashedToken,
      change,
      changeEntries(newId, byUser(client), occurrences),
    );
    if (ended === null) throw invalidLink();
    const who = { userId: user.id, address: client.address };
    deps.securityLog('password_reset', who);
    reportEnded(deps, ended.sessions, { at, reason: 'password_changed' }, who);
    const owner = {
      account: user.id,
      identifiers: [...identifiersOf(user), user.id],
      network: networkOf(client.address),
    };
    const recording = () => attempts.recordRecovery(owner, at);
    await runAfterCommit(deps, recording, 'earlier wrong passwords still delay logins after a new password');
    return { emailVerified: !isEmailVerified(user) };
  };

function resetOccurrences(user: User, client: ClientInfo, occurredAt: number): Occurrence[] {
  const data = { userId: user.id, ...clientFacts(client) };
  if (isEmailVerified(user)) return [{ event: { type: 'users.password_changed', occurredAt, data } }];
  return [
    { event: { type: 'users.email_verified', occurredAt, data } },
    { event: { type: 'users.password_changed', occurredAt, data: { ...data, emailVerified: true } } },
  ];
}

function invalidLink(): Refusal {
  return new Refusal(
    'invalid_link',
    'It was used before, or it has expired. If you have just set a new password with it, log in with that password. ' +
      'Otherwise ask for a new link where you log in.',
  );
}
