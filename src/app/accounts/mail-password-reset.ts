import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { HOUR } from '../../domain/durations.ts';
import type { Limits } from '../../domain/limits.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { LinkSecrets } from '../../ports/security/link-secrets.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import type { Users } from '../../ports/stores/users.ts';
import { changeEntries } from '../change-entries.ts';

interface Deps {
  readonly users: Users;
  readonly attempts: Attempts;
  readonly limits: Limits;
  readonly links: LinkSecrets;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Log;
  readonly securityLog: SecurityLog;
}

export type ForgotPassword = (input: { email: string; client: ClientInfo }) => Promise<void>;

/**
 * Sends a password-reset link if the address has an account. The promise resolves before the link is made, so that
 * the response time does not reveal whether the account exists.
 */
export const mailPasswordReset = (deps: Deps): ForgotPassword => {
  const { users, attempts, limits, links, clock, newId, log, securityLog } = deps;

  return async ({ email, client }) => {
    const user = await users.findByIdentifier(identifierOf(email));
    if (user === null) return;
    void sendLink(user, client).catch((error: unknown) => {
      log.error({ err: error, userId: user.id }, 'a link for a forgotten password was not sent');
    });
  };

  async function sendLink(user: User, client: ClientInfo): Promise<void> {
    const now = clock();
    // Counted by address, so that deleting the account and registering again does not reset the limit.
    const { allowed } = await attempts.countAction(
      `reset ${identifierOf(user.email)}`,
      limits.resetMails,
      now,
    );
    if (!allowed) {
      securityLog('limit_reached', { limit: 'reset-mails', userId: user.id, address: client.address });
      return;
    }
    const resetId = links.makeLinkId(newId());
    const reset = {
      hashedToken: links.hashSecret(links.makeResetSecret(resetId)),
      userId: user.id,
      expiresAt: now + HOUR,
    };
    const data = { userId: user.id, resetId, ...clientFacts(client) };
    const event = { type: 'users.password_forgotten', occurredAt: now, data } as const;
    await users.addReset(reset, changeEntries(newId, byUser(client), [{ event }]));
  }
};
