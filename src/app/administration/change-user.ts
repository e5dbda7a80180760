import {
  type AccountChanges,
  accountChangeEvents,
  applyAccountChanges,
  newUsernameFault,
} from '../../domain/account-changes.ts';
import type { ChangeOrigin } from '../../domain/audit.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { User } from '../../domain/user.ts';
import type { AccountChangeResult, Users } from '../../ports/stores/users.ts';
import { readUsername } from '../accounts/new-account.ts';
import { type PrepareVerificationDeps, prepareVerification } from '../accounts/prepare-verification.ts';
import { readMailAddress } from '../accounts/read-mail-address.ts';
import { uncount, uncountIfRefused } from '../accounts/uncount-if-refused.ts';
import { type AdminAction, type AdminActionDeps, entriesOfAction, reportAction } from './admin-action.ts';

interface Deps extends AdminActionDeps, PrepareVerificationDeps {
  readonly users: Pick<Users, 'find' | 'change'>;
}

export type ChangeUser = (userId: string, changes: AccountChanges, origin: ChangeOrigin) => Promise<boolean>;

/** The change is tried up to three times: another request can change the account after it was read. */
const ATTEMPTS = 3;

/**
 * Changes the name of an account, its address, or whether the address is verified. The change of an address is final:
 * the former address gets a mail without a link, and earlier links are removed. A new address that is not verified gets
 * a link that proves it: see {@link prepareVerification}. False, and nothing changes, if there is no such account.
 * Rejects with a {@link Refusal}: `invalid_request`, `conflict`, `unavailable`.
 */
export const changeUser =
  (deps: Deps): ChangeUser =>
  async (userId, typed, origin) => {
    const changes = readChanges(typed);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const user = await deps.users.find(userId);
      if (user === null) return false;
      const result = await changeOne(deps, user, changes, origin);
      if (result === 'taken') throw new Refusal('conflict');
      if (result === 'changed') return true;
    }
    throw new Refusal('unavailable');
  };

function readChanges({ username, email, emailVerified }: AccountChanges): AccountChanges {
  if (username === undefined && email === undefined && emailVerified === undefined)
    throw new Refusal('invalid_request', 'Send username, email or emailVerified, or several of them.');
  return {
    ...(username !== undefined && { username: readUsername(username) }),
    ...(email !== undefined && { email: readMailAddress(email) }),
    ...(emailVerified !== undefined && { emailVerified }),
  };
}

async function changeOne(
  deps: Deps,
  user: User,
  changes: AccountChanges,
  origin: ChangeOrigin,
): Promise<AccountChangeResult> {
  const at = deps.clock();
  const next = applyAccountChanges(user, changes, at);
  const fault = newUsernameFault(user, next);
  if (fault !== null) throw new Refusal('invalid_request', fault);
  const events = accountChangeEvents(user, next, at);
  if (events.length === 0) return 'changed';
  const action: AdminAction = { type: 'user_changed', origin, userId: user.id, events };
  const by = { origin, facts: { byOperator: true } } as const;
  const prepared = next.email === user.email ? null : await prepareVerification(deps, next, by);
  const entries = [...entriesOfAction(deps, action), ...(prepared?.entries ?? [])];
  const result = await uncountIfRefused(deps, prepared?.counted, () =>
    deps.users.change(user, next, { at, verification: prepared?.link }, entries),
  );
  if (result === 'changed') reportAction(deps, action);
  else await uncount(deps, prepared?.counted);
  return result;
}
