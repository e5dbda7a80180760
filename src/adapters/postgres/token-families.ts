import type { TokenFamily } from '../../domain/token-family.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import type { CurrentTrace } from '../../ports/tracing.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import {
  asJson,
  FAMILY_COLUMNS,
  type FamilyRow,
  familyColumns,
  LASTING,
  type LastingRow,
  toFamily,
  toRotated,
} from './family-row.ts';
import { assertEach, isSameId, onlyRow } from './own-answer.ts';
import { purgeSql } from './purge-sql.ts';
import { rotateSql } from './rotate-sql.ts';
import { createRotationBatcher } from './rotation-batcher.ts';
import { revokeSessions, runRevokingTransaction } from './session-revocation.ts';
import { createWithOutbox, OUTBOX_COLUMNS, type RevokedBatch } from './with-outbox.ts';

/** What each change of a family returns. */
type ToldRow = Pick<FamilyRow, (typeof OUTBOX_COLUMNS)[number]>;

/** What the stores that open and end sessions are given. */
export interface SessionStoreOptions {
  /** How many sessions of one user may live at a time. */
  readonly sessionsPerUser: number;
  readonly currentTrace?: CurrentTrace | undefined;
}

/** What a login gets back: the sessions that ended for it, and its own id once it is open. */
interface OpeningRow extends Omit<RevokedBatch, 'user_id'> {
  token_family: string | null;
}

/** Token families in PostgreSQL: each statement is one transaction (READ COMMITTED). */
export function createTokenFamilies(
  sql: Sql,
  { sessionsPerUser, currentTrace = () => null }: SessionStoreOptions,
): TokenFamilies {
  const record = createWithOutbox(currentTrace);
  const rotate = createRotationBatcher(sql);

  return {
    async open(family, entries, vouchedBy) {
      const ended: string[] = [];
      for (;;) {
        const rows = await execute(
          record.opening<OpeningRow>(
            sql,
            { room: roomFor(family, vouchedBy), insertion: insertion(family) },
            entries,
          ),
        );
        const row = onlyRow(rows, ({ token_family: id }) => id === null || isSameId(id, family.tokenFamily));
        if (row === null) return null;
        ended.push(...row.revoked);
        if (row.token_family !== null) return { sessions: ended };
      }
    },

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
      const rows = await execute(record.family<LastingRow>(sql, change, entries, LASTING));
      const row = onlyRow(rows, (row) => isSameId(row.token_family, rotation.expected.tokenFamily));
      return row === null ? null : toRotated(rotation, row);
    },

    async revoke(tokenFamily, { at, reason }, entries) {
      const change = sql`
        update token_families set revoked_at = ${new Date(at)}, revoked_reason = ${reason}
        where token_family = ${tokenFamily} and revoked_at is null
        returning ${sql(OUTBOX_COLUMNS)}`;
      const rows = await execute(record.family<ToldRow>(sql, change, entries, OUTBOX_COLUMNS));
      return onlyRow(rows, (row) => isSameId(row.token_family, tokenFamily)) !== null;
    },

    async revokeAll(userId, revocation) {
      const { at, reason, except: spared } = revocation;
      const ending = { userId, kept: 0, spared, at, reason };
      const ended = await runRevokingTransaction(sql, record, sessionsPerUser, (tx) =>
        revokeSessions(tx, record, ending),
      );
      return ended ?? [];
    },

    async list(userId, { now, limit, after }) {
      const ofUser = userId === null ? sql`` : sql`and user_id = ${userId}`;
      const behind =
        after && sql`and (created_at, token_family) < (${new Date(after.createdAt)}, ${after.tokenFamily})`;
      const rows = await execute(sql<FamilyRow[]>`
        select ${sql(FAMILY_COLUMNS)} from token_families
        where revoked_at is null and least(expires_at, refresh_expires_at) > ${new Date(now)}
          ${ofUser} ${behind ?? sql``}
        order by created_at desc, token_family desc
        limit ${limit}`);
      assertEach(rows, (row) => userId === null || isSameId(row.user_id, userId));
      return rows.map(toFamily);
    },

    async record(tokenFamily, entries) {
      // Locked, or a purge beside it would take away what the told subject refers to.
      const family = sql`
        select ${sql(OUTBOX_COLUMNS)} from token_families where token_family = ${tokenFamily} for key share`;
      await execute(record.family<ToldRow>(sql, family, entries, OUTBOX_COLUMNS));
    },

    async purge(endedBefore, limit) {
      const [{ mine, count }] = await execute(purgeSql(sql, endedBefore, limit));
      return mine ? count : null;
    },
  };

  /**
   * Makes room for a session; no row if the password has changed. The user's row is locked before the sessions are, as
   * it is by a change of the password: see {@link Users}.
   */
  function roomFor({ userId, createdAt: at }: TokenFamily, passwordHash: string | undefined) {
    const reason = 'session_limit';
    const revocation = record.revocation(sql, {
      userId,
      kept: sessionsPerUser - 1,
      spared: null,
      at,
      reason,
    });
    if (passwordHash === undefined)
      return sql`select room.user_id, room.revoked, room.more from (${revocation}) as room`;
    return sql`
      with vouched as materialized (
        select id from users where id = ${userId} and password_hash = ${passwordHash} for share
      )
      select room.user_id, room.revoked, room.more from vouched, lateral (${revocation}) as room`;
  }

  /** Nothing is stored while there is no room: it may take several batches. */
  function insertion(family: TokenFamily) {
    const columns = familyColumns(family);
    const names = Object.keys(columns) as (keyof typeof columns)[];
    return sql`
      insert into token_families (${sql(names)})
      select ${sql(names)} from jsonb_populate_record(null::token_families, ${JSON.stringify(asJson(columns))}::text::jsonb)
      where exists (select from room where not more)
      returning ${sql(OUTBOX_COLUMNS)}`;
  }
}
