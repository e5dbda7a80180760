import type postgres from 'postgres';
import { originOfChange } from '../../domain/audit.ts';
import { isEmailVerified } from '../../domain/email-address.ts';
import { identifierOf, type User, withProvenEmail } from '../../domain/user.ts';
import type { EmailChanges } from '../../ports/stores/email-changes.ts';
import { onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { insertEmailLink, useEmailLink } from './email-links.ts';
import { execute } from './execute.ts';
import { decodeHash } from './family-row.ts';
import { lockAccount } from './lock-account.ts';
import type { SessionStoreOptions } from './open-session.ts';
import { revokeSessions, runRevokingTransaction } from './session-revocation.ts';
import { userKey } from './user-key.ts';
import { toUser, type UserRow, userColumns } from './user-row.ts';
import { isTakenIdentifier } from './users.ts';
import { createOutboxWriter } from './with-outbox.ts';

/** Changes of addresses in PostgreSQL. Each change locks the row of the user first, so that changes cannot deadlock. */
export function createEmailChanges(
  sql: Sql,
  { sessionsPerUser, currentTrace = () => null }: SessionStoreOptions,
): EmailChanges {
  const outboxWriter = createOutboxWriter(currentTrace);

  return {
    async isTaken(identifier, userId, now) {
      const rows = await execute(sql<{ identifier: string }[]>`
        select identifier from user_identifiers
        where identifier = ${identifier} and user_id <> ${userKey(userId)}
          and (reserved_until is null or reserved_until > ${new Date(now)})`);
      return onlyRow(rows, (row) => row.identifier === identifier) !== null;
    },

    async request({ change, undo }, condition, entries) {
      const request = sql.begin(async (tx) => {
        if ((await lockAccount(tx, change.userId, condition)) === null) return false;
        await outboxWriter.changeUser(
          tx,
          tx`select id, email from users where id = ${change.userId}`,
          entries,
        );
        await tx`delete from email_links where user_id = ${change.userId} and purpose = 'change'`;
        await insertEmailLink(tx, change);
        if (undo !== null) await insertEmailLink(tx, undo);
        return true;
      });
      return execute(request);
    },

    async find(hashedToken, purpose, now) {
      const hash = decodeHash(hashedToken);
      const rows = await execute(sql<(UserRow & { hashed_token: Buffer; link_email: string })[]>`
        select hashed_token, email_links.email as link_email, ${userColumns(sql)}
        from email_links join users on users.id = user_id
        where hashed_token = ${hash} and purpose = ${purpose} and expires_at > ${new Date(now)}`);
      const row = onlyRow(rows, ({ hashed_token: found }) => found.equals(hash));
      const user = toUser(row);
      return row && user && { user, email: row.link_email };
    },

    async apply(hashedToken, { at, reservedUntil }, entries) {
      const change = sql.begin(async (tx) => {
        const used = await useLink(tx, hashedToken, 'change', at);
        if (used === null) return 'invalid';
        const { user, email } = used;
        await setEmail(tx, user, email, at, entries);
        await leaveAddress(tx, user, reservedUntil);
        await tx`delete from email_links where user_id = ${user.id} and purpose in ('verify', 'change')`;
        await tx`delete from password_resets where user_id = ${user.id}`;
        return 'changed';
      });
      return execute(change as Promise<'changed' | 'invalid'>).catch((error: unknown) => {
        if (isTakenIdentifier(error)) return 'taken';
        throw error;
      });
    },

    async undo(hashedToken, { from, at }, entries) {
      const undoing = runRevokingTransaction(sql, outboxWriter, sessionsPerUser, async (tx) => {
        const used = await useLink(tx, hashedToken, 'undo', at);
        if (used === null) return null;
        const { user, email, expires_at: expiresAt } = used;
        if (user.email !== from) throw new OtherAddress();
        if (identifierOf(email) !== identifierOf(user.email))
          await releaseAddress(tx, user, { at, expiresAt });
        await setEmail(tx, user, email, at, entries);
        await tx`
          delete from email_links
          where user_id = ${user.id} and (purpose <> 'undo' or expires_at >= ${expiresAt})`;
        await tx`delete from password_resets where user_id = ${user.id}`;
        return revokeSessions(tx, outboxWriter, {
          userId: user.id,
          keptCount: 0,
          sparedSession: null,
          at,
          reason: 'not_me',
          origin: originOfChange(entries),
        });
      });
      return undoing.then(
        (sessions) => sessions && { sessions },
        (error: unknown) => {
          if (error instanceof OtherAddress) return null;
          if (isTakenIdentifier(error)) return 'taken';
          throw error;
        },
      );
    },

    async forgetReservations(before, limit) {
      const { count } = await execute(sql`
        delete from user_identifiers where identifier in (
          select identifier from user_identifiers where reserved_until < ${new Date(before)}
          limit ${limit}
          for update skip locked
        )`);
      return count;
    },
  };

  /**
   * Sets a proven address. If another account has or reserves the address, a statement fails: see `isTakenIdentifier`.
   */
  async function setEmail(
    tx: postgres.TransactionSql,
    user: User,
    email: string,
    at: number,
    entries: Parameters<EmailChanges['apply']>[2],
  ): Promise<void> {
    const next = withProvenEmail(user, email, at);
    const identifier = identifierOf(email);
    await tx`
      delete from user_identifiers
      where identifier = ${identifier} and (user_id = ${user.id} or reserved_until <= ${new Date(at)})`;
    await tx`insert into user_identifiers ${tx({ identifier, user_id: user.id })}`;
    const change = tx`
      update users set email = ${next.email}, username = ${next.username}, email_verified_at = ${new Date(at)}
      where id = ${user.id} returning id, email`;
    await outboxWriter.changeUser(tx, change, entries);
  }
}

/** Uses a link as {@link useEmailLink} does, and also returns its account. Null if the link is not valid. */
async function useLink(
  tx: postgres.TransactionSql,
  hashedToken: string,
  purpose: 'change' | 'undo',
  at: number,
) {
  const link = await useEmailLink(tx, { hashedToken, purpose, at });
  if (link === null) return null;
  const rows = await tx<UserRow[]>`select ${userColumns(tx)} from users where id = ${link.user_id}`;
  const user = toUser(rows[0] ?? null);
  return user && { user, email: link.email, expires_at: link.expires_at };
}

/** Reserves the former address of the account. An address that is not verified is free at once. */
async function leaveAddress(
  tx: postgres.TransactionSql,
  { id, email, emailVerifiedAt }: User,
  reservedUntil: number,
): Promise<void> {
  const former = tx`identifier = ${identifierOf(email)} and user_id = ${id}`;
  if (isEmailVerified({ emailVerifiedAt }))
    await tx`update user_identifiers set reserved_until = ${new Date(reservedUntil)} where ${former}`;
  else await tx`delete from user_identifiers where ${former}`;
}

/**
 * Releases the current address of the account when an undo link replaces it. The address stays reserved while an
 * earlier undo link can still restore it. Otherwise another account could take the address, and that link would fail.
 *
 * @param times `expiresAt` is the expiry of the used link. The caller removes all links that expire later.
 */
async function releaseAddress(
  tx: postgres.TransactionSql,
  { id, email }: User,
  { at, expiresAt }: { readonly at: number; readonly expiresAt: Date },
): Promise<void> {
  const identifier = identifierOf(email);
  await tx`
    update user_identifiers set reserved_until = (
      select max(expires_at) from email_links
      where user_id = ${id} and purpose = 'undo' and lower(email) = ${identifier} and expires_at < ${expiresAt}
    )
    where identifier = ${identifier} and user_id = ${id}`;
  await tx`
    delete from user_identifiers
    where identifier = ${identifier} and user_id = ${id}
      and (reserved_until is null or reserved_until <= ${new Date(at)})`;
}

/** Thrown to roll back an undo if the account has another address than expected. The link stays valid. */
class OtherAddress extends Error {}
