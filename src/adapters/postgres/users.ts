import type postgres from 'postgres';
import { type ChangeOrigin, originOfChange } from '../../domain/audit.ts';
import { identifiersOf } from '../../domain/user.ts';
import type { EndedSessions } from '../../ports/stores/token-families.ts';
import type { AccountChangeResult, PasswordChange, PasswordReset, Users } from '../../ports/stores/users.ts';
import { isSameId, onlyRow } from './answer-check.ts';
import { changeUserRow } from './change-user.ts';
import type { Sql } from './connect.ts';
import { insertEmailLink } from './email-links.ts';
import { execute, violates } from './execute.ts';
import { decodeHash } from './family-row.ts';
import { lockAccount } from './lock-account.ts';
import type { SessionStoreOptions } from './open-session.ts';
import { type RevokingTransaction, revokeSessions, runRevokingTransaction } from './session-revocation.ts';
import { userKey } from './user-key.ts';
import {
  NAMED_USER_COLUMNS,
  type NamedUserRow,
  toColumns,
  toNamedUser,
  toUser,
  type UserRow,
  userColumns,
} from './user-row.ts';
import { createOutboxWriter } from './with-outbox.ts';

/**
 * Accounts in PostgreSQL. A change that ends sessions is a transaction, which locks the row of the user first. So its
 * later statement that revokes the sessions sees every session that was opened before.
 */
export function createUsers(
  sql: Sql,
  { sessionsPerUser, currentTrace = () => null }: SessionStoreOptions,
): Users {
  const outboxWriter = createOutboxWriter(currentTrace);

  return {
    async create(user, entries, { verification, reset } = {}) {
      const change = sql`
        insert into users ${sql(toColumns(user))} returning id, email`;
      const creation = sql.begin(async (tx) => {
        await outboxWriter.changeUser(tx, change, entries);
        await tx`
          delete from user_identifiers
          where identifier in ${tx(identifiersOf(user))} and reserved_until <= ${new Date(user.createdAt)}`;
        await tx`insert into user_identifiers ${tx(identifiersOf(user).map((identifier) => ({ identifier, user_id: user.id })))}`;
        if (verification !== undefined) await insertEmailLink(tx, verification);
        if (reset !== undefined) await insertReset(tx, reset);
        return true;
      });
      return execute(creation).catch(ifTaken(false));
    },

    async change(expected, next, { at, verification }, entries) {
      const change = sql.begin((tx) =>
        changeUserRow(tx, outboxWriter, { expected, next, at, verification, entries }),
      );
      return execute(change as Promise<AccountChangeResult>).catch(ifTaken('taken'));
    },

    async find(id) {
      const key = userKey(id);
      const rows = await execute(sql<UserRow[]>`select ${userColumns(sql)} from users where id = ${key}`);
      return toUser(onlyRow(rows, (row) => isSameId(row.id, key)));
    },

    async findByIdentifier(identifier) {
      const rows = await execute(sql<(UserRow & { identifier: string; has_second_factor: boolean })[]>`
        select identifier, has_second_factor, ${userColumns(sql)} from user_identifiers join users on users.id = user_id
        where identifier = ${identifier} and reserved_until is null`);
      const row = onlyRow(rows, (row) => row.identifier === identifier);
      return row && { ...toUser(row), hasSecondFactor: row.has_second_factor };
    },

    async list(limit) {
      const rows = await execute(sql<NamedUserRow[]>`
        select ${sql(NAMED_USER_COLUMNS)} from users order by created_at desc, id desc limit ${limit}`);
      return rows.map(toNamedUser);
    },

    async setRoles(id, roles, entries) {
      const change = sql`
        update users set roles = ${[...roles]} where id = ${userKey(id)} and roles <> ${[...roles]} returning id, email`;
      const rows = await execute(outboxWriter.changeUser(sql, change, entries));
      return onlyRow(rows, (row) => isSameId(row.id, userKey(id))) !== null;
    },

    async rehash(id, expected, passwordHash) {
      const { count } = await execute(sql`
        update users set password_hash = ${passwordHash} where id = ${userKey(id)} and password_hash = ${expected}`);
      return count === 1;
    },

    async changePassword(id, condition, change, entries) {
      return runEndingSessions(async (tx) => {
        if ((await lockAccount(tx, id, condition)) === null) return null;
        const update = tx`
            update users set password_hash = ${change.passwordHash} where id = ${userKey(id)} returning id, email`;
        await outboxWriter.changeUser(tx, update, entries);
        return finishPasswordChange(tx, id, change, originOfChange(entries));
      });
    },

    async addReset(reset, entries) {
      await execute(
        sql.begin(async (tx) => {
          await insertReset(tx, reset);
          await outboxWriter.changeUser(
            tx,
            tx`select id, email from users where id = ${userKey(reset.userId)}`,
            entries,
          );
        }),
      );
    },

    async findReset(hashedToken, now) {
      const hash = decodeHash(hashedToken);
      const rows = await execute(sql<(UserRow & { hashed_token: Buffer })[]>`
        select hashed_token, ${userColumns(sql)} from password_resets join users on users.id = user_id
        where hashed_token = ${hash} and expires_at > ${new Date(now)}`);
      return toUser(onlyRow(rows, (row) => row.hashed_token.equals(hash)));
    },

    async useReset(hashedToken, change, entries) {
      return runEndingSessions(async (tx) => {
        // Locks the user first and then the reset, as a change of the password does.
        await tx`
            select from users
            where id = (select user_id from password_resets where hashed_token = ${decodeHash(hashedToken)})
            for no key update`;
        const [used] = await tx<{ user_id: string }[]>`
            delete from password_resets
            where hashed_token = ${decodeHash(hashedToken)} and expires_at > ${new Date(change.at)}
            returning user_id`;
        if (used === undefined) return null;
        const update = tx`
            update users set password_hash = ${change.passwordHash},
              email_verified_at = coalesce(email_verified_at, ${new Date(change.at)})
            where id = ${used.user_id} returning id, email`;
        await outboxWriter.changeUser(tx, update, entries);
        await tx`delete from email_links where user_id = ${used.user_id} and purpose = 'verify'`;
        return finishPasswordChange(tx, used.user_id, change, originOfChange(entries));
      });
    },

    async forgetResets(before, limit) {
      const { count } = await execute(sql`
        delete from password_resets where hashed_token in (
          select hashed_token from password_resets where expires_at < ${new Date(before)}
          limit ${limit}
          for update skip locked
        )`);
      return count;
    },

    async remove(id, condition, revocation, entries) {
      return runEndingSessions(async (tx) => {
        if ((await lockAccount(tx, id, condition)) === null) return null;
        const removal = tx`delete from users where id = ${userKey(id)} returning id, email`;
        await outboxWriter.changeUser(tx, removal, entries);
        const ending = { ...revocation, origin: originOfChange(entries) };
        return revokeSessions(tx, outboxWriter, { userId: id, keptCount: 0, sparedSession: null, ...ending });
      });
    },
  };

  async function runEndingSessions(work: RevokingTransaction): Promise<EndedSessions | null> {
    const sessions = await runRevokingTransaction(sql, outboxWriter, sessionsPerUser, work);
    return sessions && { sessions };
  }

  async function finishPasswordChange(
    tx: postgres.TransactionSql,
    userId: string,
    { except, at }: PasswordChange,
    origin: ChangeOrigin,
  ): Promise<readonly string[]> {
    await tx`delete from password_resets where user_id = ${userKey(userId)}`;
    await tx`delete from email_links where user_id = ${userKey(userId)} and purpose = 'change'`;
    return revokeSessions(tx, outboxWriter, {
      userId,
      keptCount: 0,
      sparedSession: except,
      at,
      reason: 'password_changed',
      origin,
    });
  }
}

async function insertReset(
  tx: postgres.TransactionSql,
  { hashedToken, userId, expiresAt }: PasswordReset,
): Promise<void> {
  await tx`
    insert into password_resets (hashed_token, user_id, expires_at)
    values (${decodeHash(hashedToken)}, ${userId}, ${new Date(expiresAt)})`;
}

/** Creates an error handler that returns `result` if an identifier is taken, and throws any other error. */
const ifTaken =
  <Result>(result: Result) =>
  (error: unknown): Result => {
    if (isTakenIdentifier(error)) return result;
    throw error;
  };

/** Whether a statement failed because another account has the identifier. */
export function isTakenIdentifier(error: unknown): boolean {
  return violates(error, 'user_identifiers_are_unique');
}
