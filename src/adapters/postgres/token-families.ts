import type { TokenFamily } from '../../domain/token-family.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import type { CurrentTrace } from '../../ports/tracing.ts';
import { asked } from './asked.ts';
import type { Sql } from './connect.ts';
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
import { purgingEnded } from './purging.ts';
import { createRecorder, TOLD } from './recording.ts';
import { rotating } from './rotating.ts';
import { createRotations } from './rotations.ts';

/** What each change of a family returns. */
type ToldRow = Pick<FamilyRow, (typeof TOLD)[number]>;

/** Token families in PostgreSQL: each method is one statement, and so one transaction (READ COMMITTED). */
export function createTokenFamilies(sql: Sql, currentTrace: CurrentTrace = () => null): TokenFamilies {
  const record = createRecorder(currentTrace);
  const rotate = createRotations(sql);

  return {
    async open(family, entries, vouchedBy) {
      const change = vouchedBy === undefined ? insertion(family) : vouchedInsertion(family, vouchedBy);
      const rows = await asked(record.family<ToldRow>(sql, change, entries, TOLD));
      return onlyRow(rows, (row) => isSameId(row.token_family, family.tokenFamily)) !== null;
    },

    async find(tokenFamily) {
      const rows = await asked(
        sql<FamilyRow[]>`
          select ${sql(FAMILY_COLUMNS)} from token_families where token_family = ${tokenFamily}`,
      );
      const row = onlyRow(rows, (row) => isSameId(row.token_family, tokenFamily));
      return row === null ? null : toFamily(row);
    },

    async rotate(rotation, entries) {
      if (entries.length === 0) return rotate(rotation);
      const change = rotating(sql, [rotation]);
      const rows = await asked(record.family<LastingRow>(sql, change, entries, LASTING));
      const row = onlyRow(rows, (row) => isSameId(row.token_family, rotation.expected.tokenFamily));
      return row === null ? null : toRotated(rotation, row);
    },

    async revoke(tokenFamily, { at, reason }, entries) {
      const change = sql`
        update token_families set revoked_at = ${new Date(at)}, revoked_reason = ${reason}
        where token_family = ${tokenFamily} and revoked_at is null
        returning ${sql(TOLD)}`;
      const rows = await asked(record.family<ToldRow>(sql, change, entries, TOLD));
      return onlyRow(rows, (row) => isSameId(row.token_family, tokenFamily)) !== null;
    },

    async revokeAll(userId, revocation) {
      const ended = await asked(record.endOfAll(sql, userId, revocation));
      return ended.map((row) => row.token_family);
    },

    async list(userId, { now, limit, after }) {
      const ofUser = userId === null ? sql`` : sql`and user_id = ${userId}`;
      const behind =
        after && sql`and (created_at, token_family) < (${new Date(after.createdAt)}, ${after.tokenFamily})`;
      const rows = await asked(sql<FamilyRow[]>`
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
        select ${sql(TOLD)} from token_families where token_family = ${tokenFamily} for key share`;
      await asked(record.family<ToldRow>(sql, family, entries, TOLD));
    },

    async purge(endedBefore, limit) {
      const [{ mine, count }] = await asked(purgingEnded(sql, endedBefore, limit));
      return mine ? count : null;
    },
  };

  function insertion(family: TokenFamily) {
    return sql`insert into token_families ${sql(familyColumns(family))} returning ${sql(TOLD)}`;
  }

  /** The lock makes a change of the password wait for this, or this for it: see {@link Users}. */
  function vouchedInsertion(family: TokenFamily, passwordHash: string) {
    const columns = familyColumns(family);
    const names = Object.keys(columns) as (keyof typeof columns)[];
    return sql`
      insert into token_families (${sql(names)})
      select ${sql(names)} from jsonb_populate_record(null::token_families, ${JSON.stringify(asJson(columns))}::text::jsonb)
      where exists (
        select 1 from users where id = ${family.userId} and password_hash = ${passwordHash} for share
      )
      returning ${sql(TOLD)}`;
  }
}
