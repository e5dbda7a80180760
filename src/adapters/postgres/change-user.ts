import type { TransactionSql } from 'postgres';
import { identifiersOf } from '../../domain/user.ts';
import type { ChangeEntry } from '../../ports/stores/change-entry.ts';
import type { EmailLink } from '../../ports/stores/email-links.ts';
import type { AccountChangeResult, NamedUser } from '../../ports/stores/users.ts';
import { insertEmailLink } from './email-links.ts';
import type { OutboxWriter } from './with-outbox.ts';

interface UserChange {
  readonly expected: NamedUser;
  readonly next: NamedUser;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly verification: EmailLink | undefined;
  readonly entries: readonly ChangeEntry[];
}

/**
 * Changes the name and address of an account within a transaction. Locks the row of the user first, as every change of
 * an address does. If an identifier is taken, a statement fails: see `isTakenIdentifier`.
 */
export async function changeUserRow(
  tx: TransactionSql,
  outboxWriter: OutboxWriter,
  { expected, next, at, verification, entries }: UserChange,
): Promise<Exclude<AccountChangeResult, 'taken'>> {
  const { id } = expected;
  const [found] = await tx`
    select from users
    where id = ${id} and username = ${expected.username} and email = ${expected.email}
      and email_verified_at is not distinct from ${toDate(expected.emailVerifiedAt)}
    for no key update`;
  if (found === undefined) return 'outdated';
  const hasNewAddress = next.email !== expected.email;
  if (hasNewAddress) await forgetFormerAddress(tx, id);
  await replaceIdentifiers(tx, expected, next, at);
  const change = tx`
    update users set username = ${next.username}, email = ${next.email},
      email_verified_at = ${toDate(next.emailVerifiedAt)}
    where id = ${id} returning id, email`;
  await outboxWriter.changeUser(tx, change, entries);
  if (verification !== undefined) await insertEmailLink(tx, verification);
  return 'changed';
}

function toDate(time: number | null): Date | null {
  return time === null ? null : new Date(time);
}

async function forgetFormerAddress(tx: TransactionSql, userId: string): Promise<void> {
  await tx`delete from email_links where user_id = ${userId}`;
  await tx`delete from password_resets where user_id = ${userId}`;
  await tx`delete from user_identifiers where user_id = ${userId} and reserved_until is not null`;
}

async function replaceIdentifiers(
  tx: TransactionSql,
  expected: NamedUser,
  next: NamedUser,
  at: number,
): Promise<void> {
  const [former, wanted] = [identifiersOf(expected), identifiersOf(next)];
  const removed = former.filter((identifier) => !wanted.includes(identifier));
  const added = wanted.filter((identifier) => !former.includes(identifier));
  await tx`delete from user_identifiers where user_id = ${expected.id} and identifier = any (${removed})`;
  await tx`
    delete from user_identifiers where identifier = any (${added}) and reserved_until <= ${new Date(at)}`;
  if (added.length > 0)
    await tx`
      insert into user_identifiers ${tx(added.map((identifier) => ({ identifier, user_id: expected.id })))}`;
}
