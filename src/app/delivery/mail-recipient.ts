import { identifierOf } from '../../domain/user.ts';
import type { ClaimedEntry } from '../../ports/stores/outbox.ts';
import type { Users } from '../../ports/stores/users.ts';

export interface RecipientDeps {
  readonly users: Pick<Users, 'find'>;
  /** Who is written to about sessions that gave no address. */
  readonly receiver: string | null;
}

export interface MailRecipient {
  readonly to: string;
  /** Whose budget of mails counts: all spellings of an address have one; at the receiver each user has one. */
  readonly budget: string;
}

/** To whom a mail goes, or null where no address is known. */
export async function findMailRecipient(
  { users, receiver }: RecipientDeps,
  { event, contact }: ClaimedEntry,
): Promise<MailRecipient | null> {
  const { userId } = event.data;
  const user = await users.find(userId);
  // The registered address wins: a session cannot choose where the owner of the account is written to.
  const address = user?.email ?? contact;
  if (address !== null) return { to: address, budget: `address ${identifierOf(address)}` };
  return receiver === null ? null : { to: receiver, budget: `user ${userId}` };
}
