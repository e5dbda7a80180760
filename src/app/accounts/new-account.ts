import { isEmailVerified } from '../../domain/email-address.ts';
import type { DomainEvent } from '../../domain/events.ts';
import { Refusal } from '../../domain/refusal.ts';
import { accountFault, identifiersOf, identityOf, type User } from '../../domain/user.ts';
import { withAsciiDomain } from '../../lib/domain-names.ts';
import type { EmailChanges } from '../../ports/stores/email-changes.ts';
import { readMailAddress } from './read-mail-address.ts';

/** A typed name or address in the form in which it is stored. */
export function readUsername(typed: string): string {
  return withAsciiDomain(typed.normalize('NFKC'));
}

/**
 * The typed name and address of a new account. Throws a {@link Refusal} `invalid_request` if one of them is not valid.
 */
export function readNames(typed: { readonly username: string; readonly email: string }) {
  const email = readMailAddress(typed.email);
  const username = readUsername(typed.username);
  const fault = accountFault(username, email);
  if (fault !== null) throw new Refusal('invalid_request', fault);
  return { username, email };
}

/**
 * Rejects with a {@link Refusal} `conflict` if another account has one of the identifiers, or keeps it reserved. Must
 * run before a link is counted. Otherwise the link would use up the limit of an existing account with this address.
 */
export async function assertFree(
  { emailChanges }: { readonly emailChanges: Pick<EmailChanges, 'isTaken'> },
  account: Pick<User, 'id' | 'username' | 'email'>,
  now: number,
): Promise<void> {
  for (const identifier of identifiersOf(account))
    if (await emailChanges.isTaken(identifier, account.id, now)) throw new Refusal('conflict');
}

export function createdEvent(user: User): DomainEvent {
  const identity = identityOf(user);
  const data = {
    userId: user.id,
    emailVerified: isEmailVerified(user),
    ...(identity !== null && { username: identity }),
  };
  return { type: 'users.created', occurredAt: user.createdAt, data };
}
