import type { ClientInfo } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { User } from '../../domain/user.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { EndedSessions, TokenFamilies } from '../../ports/stores/token-families.ts';
import { outboxEntries } from '../outbox-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { applyWithPassword } from './apply-with-password.ts';
import { type ConfirmPasswordDeps, confirmPassword } from './confirm-password.ts';
import { requireRecentSignIn, type SignIn } from './require-recent-sign-in.ts';

interface Deps extends ConfirmPasswordDeps {
  readonly families: TokenFamilies;
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly newId: NewId;
}

export interface DeleteAccountInput extends SignIn {
  /** Counts as a recent sign-in. */
  readonly password?: string | undefined;
  readonly client: ClientInfo;
}

export type DeleteAccount = (input: DeleteAccountInput) => Promise<void>;

/**
 * Deletes the user's account and its data, and ends all its sessions. Needs the password or a recent sign-in. Rejects with
 * a {@link Refusal}.
 */
export const deleteAccount = (deps: Deps): DeleteAccount => {
  const { users, clock, newId, policy } = deps;

  return async ({ password, client, ...signIn }) => {
    const { userId } = signIn;
    const shown = password === undefined ? null : await confirmPassword(deps, userId, password, client);
    const user = shown?.user ?? (await findBySignIn(signIn));
    const revocation = { at: clock(), reason: 'account_deleted' } as const;
    const event = { type: 'users.deleted', occurredAt: revocation.at, data: { userId } } as const;
    const entries = outboxEntries(newId, [{ event }]);
    const remove = (user: User) => users.remove(userId, user.passwordHash, revocation, entries);
    const ended = await (shown === null ? removeOnce(user, remove) : applyWithPassword(deps, shown, remove));
    const who = { userId, address: client.address };
    deps.securityLog('account_deleted', who);
    reportEnded(deps, ended.sessions, revocation, who);
  };

  async function findBySignIn(signIn: SignIn): Promise<User> {
    const user = await users.find(signIn.userId);
    if (user === null) throw new Refusal('not_found', 'This user has no account here.');
    await requireRecentSignIn(deps, signIn);
    return user;
  }

  /** If the password was changed meanwhile, the owner of the account may have done that to end the session of a thief. */
  async function removeOnce(
    user: User,
    remove: (user: User) => Promise<EndedSessions | null>,
  ): Promise<EndedSessions> {
    const ended = await remove(user);
    if (ended === null) throw new Refusal('step_up_required', undefined, { maxAge: policy.stepUpMaxAge });
    return ended;
  }
};
