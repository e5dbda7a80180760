import type { ClientInfo } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { applyWithPassword } from './apply-with-password.ts';
import { type ConfirmPasswordDeps, confirmPassword } from './confirm-password.ts';

interface Deps extends ConfirmPasswordDeps {
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly newId: NewId;
}

export type DeleteAccount = (input: {
  userId: string;
  password: string;
  client: ClientInfo;
}) => Promise<void>;

/** Deletes the user's account and its data, and ends all its sessions. Rejects with a {@link Refusal}. */
export const deleteAccount = (deps: Deps): DeleteAccount => {
  const { users, clock, newId } = deps;

  return async ({ userId, password, client }) => {
    const shown = await confirmPassword(deps, userId, password, client);
    const revocation = { at: clock(), reason: 'account_deleted' } as const;
    const event = { type: 'users.deleted', occurredAt: revocation.at, data: { userId } } as const;
    const ended = await applyWithPassword(deps, shown, (user) =>
      users.remove(userId, user.passwordHash, revocation, outboxEntries(newId, [{ event }])),
    );
    const who = { userId, address: client.address };
    deps.securityLog('account_deleted', who);
    reportEnded(deps, ended.sessions, revocation, who);
  };
};
