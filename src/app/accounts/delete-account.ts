import { byUser } from '../../domain/audit.ts';
import type { NewId } from '../../ports/new-id.ts';
import { changeEntries } from '../change-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import {
  applyChange,
  authorizeChange,
  type SensitiveChangeDeps,
  type SensitiveRequest,
} from './sensitive-change.ts';

interface Deps extends SensitiveChangeDeps {
  readonly newId: NewId;
}

export type DeleteAccount = (input: SensitiveRequest) => Promise<void>;

/**
 * Deletes the user's account and its data, and ends all its sessions. Needs the password or a recent sign-in. Rejects
 * with a {@link Refusal}: see {@link authorizeChange} and {@link applyChange}.
 */
export const deleteAccount = (deps: Deps): DeleteAccount => {
  const { users, clock, newId } = deps;

  return async (input) => {
    const { userId, client } = input;
    const authorized = await authorizeChange(deps, input);
    const revocation = { at: clock(), reason: 'account_deleted' } as const;
    const event = { type: 'users.deleted', occurredAt: revocation.at, data: { userId } } as const;
    const ended = await applyChange(deps, authorized, ({ condition }) =>
      users.remove(userId, condition, revocation, changeEntries(newId, byUser(client), [{ event }])),
    );
    const who = { userId, address: client.address };
    deps.securityLog('account_deleted', who);
    reportEnded(deps, ended.sessions, revocation, who);
  };
};
