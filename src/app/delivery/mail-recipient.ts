import { identifierOf } from '../../domain/user.ts';
import type { ClaimedEntry } from '../../ports/stores/outbox.ts';
import type { Users } from '../../ports/stores/users.ts';
import type { MailedAccount } from './mails/facts.ts';

export interface RecipientDeps {
  readonly users: Pick<Users, 'find'>;
  /** The operator's address for mails about users without an address; null: no mail. */
  readonly operatorAddress: string | null;
}

export interface MailRecipient {
  readonly to: string;
  readonly account: MailedAccount;
  /**
   * The key of the mail budget. All spellings of an address share one key. For mails to the operator's address, each
   * user has a separate key.
   */
  readonly budgetKey: string;
}

/** The recipient of a mail; null if no address is known. */
export async function findMailRecipient(
  { users, operatorAddress: receiver }: RecipientDeps,
  { event, contact }: ClaimedEntry,
): Promise<MailRecipient | null> {
  const { userId } = event.data;
  const user = await users.find(userId);
  // If the event names an address, the mail goes to that address. Otherwise the registered address comes first: the
  // contact of a session must not redirect the mails of the account's owner.
  const address = 'email' in event.data ? event.data.email : (user?.email ?? contact);
  const account = { accountName: user?.username ?? userId, isKeptHere: user !== null };
  if (address !== null) return { to: address, account, budgetKey: `address ${identifierOf(address)}` };
  return receiver === null ? null : { to: receiver, account, budgetKey: `user ${userId}` };
}
