import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { HOUR } from '../../domain/durations.ts';
import { Refusal } from '../../domain/refusal.ts';
import { identifierOf, type User } from '../../domain/user.ts';
import type { DeferWork } from '../../ports/defer-work.ts';
import type { Users } from '../../ports/stores/users.ts';
import { changeEntries } from '../change-entries.ts';
import { type PreparePasswordResetDeps, preparePasswordReset } from './prepare-password-reset.ts';
import { uncountIfRefused } from './uncount-if-refused.ts';

export interface PasswordResetDeps extends PreparePasswordResetDeps {
  readonly users: Pick<Users, 'addReset'>;
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
  const { users, clock, newId } = deps;
  const now = clock();
  const { address } = client;
  const { resetId, reset, counted } = await preparePasswordReset(deps, user, {
    expiresAt: now + HOUR,
    address,
  });
  const data = { userId: user.id, resetId, ...clientFacts(client) };
  const event = { type: 'users.password_forgotten', occurredAt: now, data } as const;
  const entries = changeEntries(newId, byUser(client), [{ event }]);
  await uncountIfRefused(deps, counted, () => users.addReset(reset, entries));
}
