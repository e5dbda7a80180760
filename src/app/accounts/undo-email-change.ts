import { byUser } from '../../domain/audit.ts';
import { type ClientInfo, clientFacts } from '../../domain/client-info.ts';
import { HOUR } from '../../domain/durations.ts';
import { isEmailVerified } from '../../domain/email-address.ts';
import type { DomainEvent } from '../../domain/events.ts';
import type { Policy } from '../../domain/policy.ts';
import { Refusal } from '../../domain/refusal.ts';
import { usernameWith } from '../../domain/user.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { FoundChange } from '../../ports/stores/email-changes.ts';
import type { EndedSessions } from '../../ports/stores/token-families.ts';
import { auditOnlyEntry, changeEntries } from '../change-entries.ts';
import { reportEnded } from '../revocation/remember-ended.ts';
import { type EmailChangeLink, type EmailLinkDeps, findChange } from './change-email.ts';

interface Deps extends EmailLinkDeps {
  readonly revoked: RevokedFamilies;
  readonly policy: Policy;
  readonly newId: NewId;
  readonly securityLog: SecurityLog;
}

/** The link is tried up to three times: the address can change between the reading and the use of the link. */
const ATTEMPTS = 3;

export interface UndoneChange extends EmailChangeLink {
  /**
   * A token for `mailPasswordResetByLink`, which mails a password-reset link to the restored address. Valid for one
   * hour.
   */
  readonly resetToken: string;
}

export type UndoEmailChange = (input: { token: string; client: ClientInfo }) => Promise<UndoneChange>;

/**
 * Uses an undo link: restores the former address, cancels later changes and ends all sessions. Rejects with a
 * {@link Refusal}: `invalid_link`, `conflict`, `unavailable`.
 */
export const undoEmailChange = (deps: Deps): UndoEmailChange => {
  const { emailChanges, links, clock } = deps;

  return async ({ token, client }) => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const at = clock();
      const found = await findChange(deps, token, 'undo');
      const change = { from: found.user.email, at };
      const ended = await emailChanges.undo(
        links.hashSecret(token),
        change,
        entriesOf(deps, found, client, at),
      );
      if (ended === 'taken') throw addressTaken();
      if (ended !== null) return finish(found, ended, client, at);
    }
    throw new Refusal('unavailable');
  };

  function finish(
    { user, email }: FoundChange,
    { sessions }: EndedSessions,
    client: ClientInfo,
    at: number,
  ): UndoneChange {
    const who = { userId: user.id, address: client.address };
    deps.securityLog('email_change_undone', who);
    reportEnded(deps, sessions, { at, reason: 'not_me' }, who);
    return {
      username: usernameWith(user, email),
      email,
      resetToken: links.makeNotMeToken(null, user.id, at + HOUR),
    };
  }
};

function addressTaken(): Refusal {
  return new Refusal(
    'conflict',
    'Another account has this address now, so it was not restored. Nothing has changed. Ask the operator for help.',
  );
}

/**
 * If the link is used before the change that it undoes, the account still has the address. Then only the audit log gets
 * an event. But if an operator has marked the address as not verified meanwhile, the link verifies it again.
 */
function entriesOf(
  { newId }: Deps,
  { user, email }: FoundChange,
  client: ClientInfo,
  occurredAt: number,
): ChangeEntry[] {
  const { id: userId } = user;
  const origin = byUser(client);
  const keepsAddress = user.email === email;
  if (keepsAddress && isEmailVerified(user)) {
    const type = 'users.email_change_cancelled';
    return [auditOnlyEntry(newId, { type, occurredAt, userId, origin, data: {} })];
  }
  const data = { userId, ...clientFacts(client) };
  const event: DomainEvent = keepsAddress
    ? { type: 'users.email_verified', occurredAt, data }
    : { type: 'users.email_changed', occurredAt, data: { ...data, undone: true } };
  return changeEntries(newId, origin, [{ event }]);
}
