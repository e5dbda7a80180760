import { type ClientInfo, clientFacts } from '../../domain/events.ts';
import { networkOf } from '../../domain/network.ts';
import { normalizePassword, passwordFault } from '../../domain/password.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import { identifiersOf } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { IsCommonPassword } from '../../ports/security/common-passwords.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { PasswordHasher } from '../../ports/security/password-hasher.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import type { Users } from '../../ports/stores/users.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';

interface Deps {
  readonly users: Users;
  readonly passwords: PasswordHasher;
  readonly isCommonPassword: IsCommonPassword;
  readonly links: LinkSecrets;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly attempts: Attempts;
  readonly securityLog: SecurityLog;
}

export type CheckResetLink = (token: string) => Promise<{ readonly username: string }>;

/** The account of a reset link, which is not used up. Rejects with a {@link Refusal} `invalid_link` if it is not valid. */
export const checkResetLink =
  ({ users, links, clock }: Pick<Deps, 'users' | 'links' | 'clock'>): CheckResetLink =>
  async (token) => {
    const user = await users.findReset(links.hashReset(token), clock());
    if (user === null) throw invalidLink();
    return { username: user.username };
  };

export type ResetPassword = (input: {
  token: string;
  newPassword: string;
  client: ClientInfo;
}) => Promise<void>;

/** Uses a password-reset link: sets the password, ends every session, sends a mail. Rejects with a {@link Refusal}. */
export const resetPassword =
  (deps: Deps): ResetPassword =>
  async ({ token, newPassword, client }) => {
    const { users, passwords, isCommonPassword, links, clock, newId, attempts } = deps;
    const at = clock();
    const hashedToken = links.hashReset(token);
    const user = await users.findReset(hashedToken, at);
    if (user === null) throw invalidLink();
    const password = normalizePassword(newPassword);
    const fault = passwordFault(password, [user.username, user.email], isCommonPassword);
    if (fault !== null) throw new Refusal('invalid_request', fault);

    const passwordHash = await passwords.hash(password, networkOf(client.address));
    const data = { userId: user.id, ...clientFacts(client) };
    const event = { type: 'users.password_changed', occurredAt: at, data } as const;
    const change = { passwordHash, except: null, at };
    const ended = await users.useReset(hashedToken, change, outboxEntries(newId, [{ event }]));
    if (ended === null) throw invalidLink();
    const who = { userId: user.id, address: client.address };
    deps.securityLog('password_reset', who);
    reportEnded(deps, ended.sessions, { at, reason: 'password_changed' }, who);
    await attempts.recordRecovery(
      { account: user.id, identifiers: identifiersOf(user), network: networkOf(client.address) },
      at,
    );
  };

function invalidLink(): Refusal {
  return new Refusal(
    'invalid_link',
    'It was used before, or it has expired. If you have just set a new password with it, log in with that password. ' +
      'Otherwise ask for a new link where you log in. Only the newest mail has a valid link.',
  );
}
