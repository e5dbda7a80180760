import { isEmailVerified } from '../../domain/email-address.ts';
import type { DomainEvent } from '../../domain/events.ts';
import { Refusal } from '../../domain/refusal.ts';
import { accountFault, identityOf, type User } from '../../domain/user.ts';
import { withAsciiDomain } from '../../lib/domain-names.ts';
import { readMailAddress } from './read-mail-address.ts';

/** A typed name or address in the form in which it is stored. */
export function readUsername(typed: string): string {
  return withAsciiDomain(typed.normalize('NFKC'));
}

/** The typed name and address of a new account. Throws a {@link Refusal} `invalid_request` if one is not valid. */
export function readNames(typed: { readonly username: string; readonly email: string }) {
  const email = readMailAddress(typed.email);
  const username = readUsername(typed.username);
  const fault = accountFault(username, email);
  if (fault !== null) throw new Refusal('invalid_request', fault);
  return { username, email };
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
