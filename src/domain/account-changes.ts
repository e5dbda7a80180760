import type { DomainEvent } from './events.ts';
import { accountFault, identifierOf, identityOf, type User, usernameWith } from './user.ts';

/** What an operator changes in an account. Names and addresses are in the form in which they are stored. */
export interface AccountChanges {
  readonly username?: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
}

/**
 * The account after a change at `at`. A name that equals the address changes with the address. A new address is
 * unverified, unless the operator vouches for it.
 */
export function applyAccountChanges(user: User, changes: AccountChanges, at: number): User {
  const { email = user.email, username = usernameWith(user, email), emailVerified } = changes;
  const provenAt = identifierOf(email) === identifierOf(user.email) ? user.emailVerifiedAt : null;
  const { emailVerifiedAt } = {
    emailVerifiedAt: provenAt,
    ...(emailVerified === false && { emailVerifiedAt: null }),
    ...(emailVerified === true && { emailVerifiedAt: provenAt ?? at }),
  };
  return { ...user, username, email, emailVerifiedAt };
}

/**
 * Why the new name of a changed account is not valid, as a sentence; null if it is valid. A name that does not change
 * is not checked: imported names follow other rules. A name that equals the address is not checked either. The caller
 * has checked the address.
 */
export function newUsernameFault(user: User, { username, email }: User): string | null {
  const isNewName = username !== user.username && username !== email;
  return isNewName ? accountFault(username, email) : null;
}

/** The events of the change, in the order in which they are recorded. Empty if the accounts are equal. */
export function accountChangeEvents(user: User, next: User, occurredAt: number): readonly DomainEvent[] {
  const by = { userId: user.id, byOperator: true } as const;
  const [wasVerified, isVerified] = [user.emailVerifiedAt !== null, next.emailVerifiedAt !== null];
  const events: DomainEvent[] = [];
  if (next.username !== user.username) {
    const identity = identityOf(next);
    const data = { ...by, ...(identity !== null && { username: identity }) };
    events.push({ type: 'users.username_changed', occurredAt, data });
  }
  if (next.email !== user.email) {
    const data = { ...by, undone: false, emailVerified: isVerified };
    events.push({ type: 'users.email_changed', occurredAt, data });
    events.push({ type: 'users.email_replaced', occurredAt, data: { ...by, email: user.email } });
  } else if (wasVerified !== isVerified) {
    events.push({
      type: isVerified ? 'users.email_verified' : 'users.email_unverified',
      occurredAt,
      data: by,
    });
  }
  return events;
}
