import { asSystem, type ChangeOrigin, originOfChange } from '../../domain/audit.ts';
import { type Claims, NO_CLAIMS } from '../../domain/claims.ts';
import { DEVICE_KNOWN_FOR } from '../../domain/policy.ts';
import type { TokenFamily } from '../../domain/token-family.ts';
import type { OpeningCondition, TokenFamilies } from '../../ports/stores/token-families.ts';
import type { CurrentTrace } from '../../ports/tracing.ts';
import { assertEach, isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute, violates } from './execute.ts';
import {
  decodeHash,
  FAMILY_COLUMNS,
  type FamilyRow,
  familyColumns,
  RETURNED_COLUMNS,
  type ReturnedRow,
  toFamily,
  toJsonColumns,
  toRotatedFamily,
} from './family-row.ts';
import { purgeSql } from './purge-sql.ts';
import { rotateSql } from './rotate-sql.ts';
import { createRotationBatcher } from './rotation-batcher.ts';
import { countLive, searchFamilies } from './search-families.ts';
import { revokeSessions, runRevokingTransaction } from './session-revocation.ts';
import { stepUp } from './step-up.ts';
import { updateFamily } from './update-family.ts';
import { belongsTo, isOfUser, userKey } from './user-key.ts';
import { createOutboxWriter, type Executor, OUTBOX_COLUMNS, type RevokedBatch } from './with-outbox.ts';

/** The row that a change of a family returns. */
type OutboxRow = Pick<FamilyRow, (typeof OUTBOX_COLUMNS)[number]>;

/** Options of the stores that open and end sessions. */
export interface SessionStoreOptions {
  /** The maximum number of live sessions of one user. */
  readonly sessionsPerUser: number;
  readonly currentTrace?: CurrentTrace | undefined;
}

/** The result of a login: the sessions that it ended, and the new family. Null: more sessions must end first. */
interface OpeningRow extends Omit<RevokedBatch, 'user_id'> {
  token_family: string | null;
  claims: Claims | null;
}

/** Token families in PostgreSQL. Each statement is one transaction (READ COMMITTED). */
export function createTokenFamilies(
  sql: Sql,
  { sessionsPerUser, currentTrace = () => null }: SessionStoreOptions,
): TokenFamilies {
  const withOutbox = createOutboxWriter(currentTrace);
  const rotate = createRotationBatcher(sql);

  return {
    async open(family, entries, condition) {
      const ended: string[] = [];
      for (;;) {
        const rows = await openOnce(family, entries, condition);
        if (rows === 'disabled') return 'disabled';
        const row = onlyRow(rows, ({ token_family: id }) => id === null || isSameId(id, family.tokenFamily));
        if (row === null) return null;
        ended.push(...row.revoked);
        if (row.token_family !== null) return { sessions: ended, claims: row.claims ?? NO_CLAIMS };
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
      const change = rotateSql(sql, [rotation], OUTBOX_COLUMNS);
      const rows = await execute(
        withOutbox.changeFamily<ReturnedRow>(sql, change, entries, RETURNED_COLUMNS),
      );
      const row = onlyRow(rows, (row) => isSameId(row.token_family, rotation.expected.tokenFamily));
      return row === null ? null : toRotatedFamily(rotation, row);
    },

    stepUp: (change, entries) => stepUp(sql, withOutbox, change, entries),

    update: (...change) => updateFamily(sql, withOutbox, ...change),

    async revoke(tokenFamily, { at, reason }, entries) {
      const change = sql`
        update token_families set revoked_at = ${new Date(at)}, revoked_reason = ${reason}
        where token_family = ${tokenFamily} and coalesce(revoked_at, 'infinity') = 'infinity'
        returning ${sql(OUTBOX_COLUMNS)}`;
      const rows = await execute(withOutbox.changeFamily<OutboxRow>(sql, change, entries, OUTBOX_COLUMNS));
      return onlyRow(rows, (row) => isSameId(row.token_family, tokenFamily)) !== null;
    },

    async revokeAll(userId, revocation) {
      const { at, reason, except: spared, origin } = revocation;
      const ending = { userId, kept: 0, spared, at, reason, origin };
      const ended = await runRevokingTransaction(sql, withOutbox, sessionsPerUser, (tx) =>
        revokeSessions(tx, withOutbox, ending),
      );
      return ended ?? [];
    },

    async list(userId, { now, limit, after }) {
      const ofUser = userId === null ? sql`` : sql`and ${isOfUser(sql, userId)}`;
      const afterCursor =
        after && sql`and (created_at, token_family) < (${new Date(after.createdAt)}, ${after.tokenFamily})`;
      const rows = await execute(sql<FamilyRow[]>`
        select ${sql(FAMILY_COLUMNS)} from token_families
        where revoked_at is null and least(expires_at, refresh_expires_at) > ${new Date(now)}
          ${ofUser} ${afterCursor ?? sql``}
        order by created_at desc, token_family desc
        limit ${limit}`);
      assertEach(rows, (row) => userId === null || belongsTo(row, userId));
      return rows.map(toFamily);
    },

    search: (filter, page) => searchFamilies(sql, filter, page),
    countLive: (now, most) => countLive(sql, now, most),

    async record(tokenFamily, entries) {
      // The lock prevents that a concurrent purge deletes the family, to which the notified subject refers.
      const family = sql`
        select ${sql(OUTBOX_COLUMNS)} from token_families where token_family = ${tokenFamily} for key share`;
      await execute(withOutbox.changeFamily<OutboxRow>(sql, family, entries, OUTBOX_COLUMNS));
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

  async function openOnce(...[family, entries, condition]: Parameters<TokenFamilies['open']>) {
    const parts = {
      room: enforceSessionLimitSql(family, asSystem(originOfChange(entries)), condition),
      insertion: insertWithinLimitSql(family),
      newDevice: noteDeviceSql(sql, family),
    };
    return execute(withOutbox.openFamily<OpeningRow>(sql, parts, entries)).catch(disabledIfRefused);
  }

  /**
   * Revokes sessions beyond the limit to make room for one more. Returns no row if the account is not as the condition
   * says. It locks the user's row before the sessions, as a change of the password does: see {@link Users}.
   */
  function enforceSessionLimitSql(
    { userId, createdAt: at }: TokenFamily,
    origin: ChangeOrigin,
    condition: OpeningCondition | undefined,
  ) {
    const reason = 'session_limit';
    const revocation = withOutbox.revokeSessions(sql, {
      userId,
      kept: sessionsPerUser - 1,
      spared: null,
      at,
      reason,
      origin,
    });
    return sql`
      with allowed as materialized (${allowedSql(userId, condition)})
      select room.user_id, room.revoked, room.more from allowed, lateral (${revocation}) as room`;
  }

  /** One row if the account is as the condition says. */
  function allowedSql(
    userId: string,
    { passwordHash, refuseSecondFactor }: OpeningCondition = { refuseSecondFactor: false },
  ) {
    const key = userKey(userId);
    const refused = sql`has_second_factor and ${refuseSecondFactor}`;
    if (passwordHash === undefined)
      return sql`select ${key}::uuid as id where not exists (select from users where id = ${key} and ${refused})`;
    return sql`
      select id from users where id = ${key} and password_hash = ${passwordHash} and not (${refused}) for share`;
  }

  /** Inserts the family once there is room. The revocation may need several batches before. */
  function insertWithinLimitSql(family: TokenFamily) {
    return sql`
      ${insertFamilySql(sql, family)} where exists (select from room where not more)
      returning ${sql([...OUTBOX_COLUMNS, 'claims'])}`;
  }
}

/** Whether a statement failed because the user of a new family is disabled: see the migration `administration`. */
export function disabledIfRefused(error: unknown): 'disabled' {
  if (violates(error, 'token_families_user_is_enabled')) return 'disabled';
  throw error;
}

/** Inserts a family. The statement can be continued with a condition, and with the columns that it returns. */
export function insertFamilySql(sql: Executor, family: TokenFamily) {
  const columns = familyColumns(family);
  const names = Object.keys(columns) as (keyof typeof columns)[];
  return sql`
    insert into token_families (${sql(names)})
    select ${sql(names)} from jsonb_populate_record(null::token_families, ${JSON.stringify(toJsonColumns(columns))}::text::jsonb)`;
}

/**
 * Records the network and product of a new family. The expression is true if the user has earlier families and this
 * pair is new.
 */
export function noteDeviceSql(sql: Executor, family: TokenFamily) {
  const { userId, tokenFamily, address, userAgent, createdAt: at } = family;
  const productHash = family.productHash === null ? null : decodeHash(family.productHash);
  return sql`note_device(
    ${userKey(userId)}, ${tokenFamily}, ${address}, ${productHash}, ${userAgent}, ${new Date(at)},
    ${new Date(at - DEVICE_KNOWN_FOR)})`;
}
