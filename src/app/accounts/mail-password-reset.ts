import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { HOUR } from '../../domain/durations.ts';
import type { Limits } from '../../domain/limits.ts';
import { Refusal } from '../../domain/refusal.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeferWork } from '../../ports/defer-work.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import type { Users } from '../../ports/stores/users.ts';
import { changeEntries } from '../change-entries.ts';
import { assertWithinLimit } from './assert-within-limit.ts';
import { uncountIfRefused } from './uncount-if-refused.ts';

export interface PasswordResetDeps {
  readonly users: Pick<Users, 'addReset'>;
  readonly attempts: Attempts;
  readonly limits: Limits;
  readonly links: LinkSecrets;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

interface Deps extends PasswordResetDeps {
  readonly users: Pick<Users, 'addReset' | 'findByIdentifier'>;
  readonly deferWork: DeferWork;
}

export type MailPasswordReset = (input: { email: string; client: ClientInfo }) => Promise<void>;

/**
 * Sends a password-reset link if the address has an account. The promise resolves before the link is made, so that
 * the response time does not reveal whether the account exists.
 */
export const mailPasswordReset = (deps: Deps): MailPasswordReset => {
  const { users, deferWork } = deps;

  return async ({ email, client }) => {
    const user = await users.findByIdentifier(identifierOf(email));
    if (user === null) return;
    const failure = { userId: user.id, message: 'a link for a forgotten password was not sent' };
    deferWork(() => openWithinLimit(user, client), failure);
  };

  /** A reached limit was logged, and the answer must not reveal it. */
  async function openWithinLimit(user: User, client: ClientInfo): Promise<void> {
    try {
      await openPasswordReset(deps, user, client);
    } catch (error) {
      if (!(error instanceof Refusal && error.code === 'too_many_requests')) throw error;
    }
  }
};

/**
 * Stores a link for a new password, and the mail that carries it. Rejects with a {@link Refusal} `too_many_requests` if
 * the address has reached its limit.
 */
export async function openPasswordReset(
  deps: PasswordResetDeps,
  user: User,
  client: ClientInfo,
): Promise<void> {
  const { users, limits, links, clock, newId } = deps;
  const now = clock();
  const counted = await assertWithinLimit(
    deps,
    {
      // Counted by address, so that deleting the account and registering again does not reset the limit.
      key: `reset ${identifierOf(user.email)}`,
      limit: { name: 'reset-mails', ...limits.resetMails },
      detail:
        'The address of the account has got as many mails with a link for a new password as are allowed for now. ' +
        'Use the link in the newest mail, or try again later.',
    },
    { userId: user.id, address: client.address },
  );
  const resetId = links.makeLinkId(newId());
  const reset = {
    hashedToken: links.hashSecret(links.makeResetSecret(resetId)),
    userId: user.id,
    expiresAt: now + HOUR,
  };
  const data = { userId: user.id, resetId, ...clientFacts(client) };
  const event = { type: 'users.password_forgotten', occurredAt: now, data } as const;
  const entries = changeEntries(newId, byUser(client), [{ event }]);
  await uncountIfRefused(deps, counted, () => users.addReset(reset, entries));
}
