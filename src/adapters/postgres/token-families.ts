import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { assertEach, isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import {
  FAMILY_COLUMNS,
  type FamilyRow,
  RETURNED_COLUMNS,
  type ReturnedRow,
  toFamily,
  toRotatedFamily,
} from './family-row.ts';
import { createSessionOpener, type SessionStoreOptions } from './open-session.ts';
import { purgeSql } from './purge-sql.ts';
import { rotateSql } from './rotate-sql.ts';
import { createRotationBatcher } from './rotation-batcher.ts';
import { countLive, searchFamilies, unrevokedOfUserSql } from './search-families.ts';
import { revokeSessions, runRevokingTransaction } from './session-revocation.ts';
import { stepUp } from './step-up.ts';
import { updateFamily } from './update-family.ts';
import { belongsTo, isOfUser } from './user-key.ts';
import { createOutboxWriter, FAMILY_COLUMNS_OF_ENTRIES } from './with-outbox.ts';

/** The row that a change of a family returns. */
type OutboxRow = Pick<FamilyRow, (typeof FAMILY_COLUMNS_OF_ENTRIES)[number]>;

/** Token families in PostgreSQL. All transactions are READ COMMITTED, except the search, which changes nothing. */
export function createTokenFamilies(
  sql: Sql,
  { sessionsPerUser, currentTrace = () => null }: SessionStoreOptions,
): TokenFamilies {
  const outboxWriter = createOutboxWriter(currentTrace);
  const rotate = createRotationBatcher(sql);

  return {
    open: createSessionOpener(sql, { sessionsPerUser, currentTrace }),

    async find(tokenFamily) {
      const rows = await execute(
        sql<FamilyRow[]>`
          select ${sql(FAMILY_COLUMNS)} from token_families where token_family = ${tokenFamily}`,
      );
      const row = onlyRow(rows, (row) => isSameId(row.token_family, tokenFamily));
      return row === null ? null : toFamily(row);
    },

    async rotate(rotation, entries) {
      if (entries.length === 0) return rotate(rotation);
      const change = rotateSql(sql, [rotation]);
      const rows = await execute(
        outboxWriter.changeFamily<ReturnedRow>(sql, change, entries, RETURNED_COLUMNS),
      );
      const row = onlyRow(rows, (row) => isSameId(row.token_family, rotation.expected.tokenFamily));
      return row === null ? null : toRotatedFamily(rotation, row);
    },

    stepUp: (change, entries) => stepUp(sql, outboxWriter, change, entries),

    update: (...change) => updateFamily(sql, outboxWriter, ...change),

    async revoke(tokenFamily, { at, reason }, entries) {
      const change = sql`
        update token_families set revoked_at = ${new Date(at)}, revoked_reason = ${reason}
        where token_family = ${tokenFamily} and coalesce(revoked_at, 'infinity') = 'infinity'
        returning ${sql(FAMILY_COLUMNS_OF_ENTRIES)}`;
      const rows = await execute(
        outboxWriter.changeFamily<OutboxRow>(sql, change, entries, FAMILY_COLUMNS_OF_ENTRIES),
      );
      return onlyRow(rows, (row) => isSameId(row.token_family, tokenFamily)) !== null;
    },

    async revokeAll(userId, revocation) {
      const { at, reason, except: sparedSession, origin } = revocation;
      const ending = { userId, keptCount: 0, sparedSession, at, reason, origin };
      const ended = await runRevokingTransaction(sql, outboxWriter, sessionsPerUser, (tx) =>
        revokeSessions(tx, outboxWriter, ending),
      );
      return ended ?? [];
    },

    async list(userId, { now, limit, after }) {
      const behind = after
        ? sql`and (created_at, token_family) < (${new Date(after.createdAt)}, ${after.tokenFamily})`
        : sql``;
      const isLive = sql`least(expires_at, refresh_expires_at) > ${new Date(now)}`;
      const rows = await execute(
        userId === null
          ? sql<FamilyRow[]>`
              select ${sql(FAMILY_COLUMNS)} from token_families
              where revoked_at is null and ${isLive} ${behind}
              order by created_at desc, token_family desc
              limit ${limit}`
          : sql<FamilyRow[]>`
              select ${sql(FAMILY_COLUMNS)} from (${unrevokedOfUserSql(sql, userId, behind)}) unrevoked
              where ${isLive} and ${isOfUser(sql, userId)}
              order by created_at desc, token_family desc
              limit ${limit}`,
      );
      assertEach(rows, (row) => userId === null || belongsTo(row, userId));
      return rows.map(toFamily);
    },

    search: (filter, page) => searchFamilies(sql, filter, page),
    countLive: (now, limit) => countLive(sql, now, limit),

    async record(tokenFamily, entries) {
      // The lock keeps a concurrent purge from deleting the family, to which the row of `told_subjects` refers.
      const family = sql`
        select ${sql(FAMILY_COLUMNS_OF_ENTRIES)} from token_families where token_family = ${tokenFamily} for key share`;
      await execute(outboxWriter.changeFamily<OutboxRow>(sql, family, entries, FAMILY_COLUMNS_OF_ENTRIES));
    },

    async purge(endedBefore, limit) {
      const [{ locked, count }] = await execute(purgeSql(sql, endedBefore, limit));
      return locked ? count : null;
    },

    async forgetDevices(before, limit) {
      const { count } = await execute(sql`
        delete from known_devices where (user_id, device) in (
          select user_id, device from known_devices where used_at < ${new Date(before)}
          limit ${limit}
          for update skip locked
        )`);
      return count;
    },
  };
}
