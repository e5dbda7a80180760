import type { TokenFamily } from '../../domain/token-family.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import { asked } from './asked.ts';
import type { Sql } from './connect.ts';
import { bytes, type FamilyRow, familyColumns, pairColumns, toFamily } from './family-row.ts';
import { endingAll, recordingFamily } from './recording.ts';

/** Token families in PostgreSQL: each method is one statement, and so one transaction (READ COMMITTED). */
export function createTokenFamilies(sql: Sql): TokenFamilies {
  return {
    async open(family, entries, vouchedBy) {
      const change = vouchedBy === undefined ? insertion(family) : vouchedInsertion(family, vouchedBy);
      const rows = await asked(recordingFamily(sql, change, entries));
      return rows.length > 0;
    },

    async find(tokenFamily) {
      const rows = await asked(
        sql<FamilyRow[]>`select * from token_families where token_family = ${tokenFamily}`,
      );
      return firstFamily(rows);
    },

    async rotate({ expected, next, unlessRetryKey }, entries) {
      const retryKey = unlessRetryKey === null ? null : bytes(unlessRetryKey);
      const change = sql`
        update token_families set ${sql(pairColumns(next))}
        where token_family = ${expected.tokenFamily}
          and user_id = ${expected.userId}
          and paired = ${expected.paired}
          and generation = ${expected.generation}
          and hashed_refresh_token_id = ${bytes(expected.hashedRefreshTokenId)}
          and scheme = ${expected.scheme}
          and on_address_change = ${expected.onAddressChange}
          and on_user_agent_change = ${expected.onUserAgentChange}
          and (on_user_agent_change = 'ignore' or user_agent = ${expected.userAgent})
          and (retry_key_hash <> ${retryKey}) is not false
          and revoked_at is null
          and expires_at > ${new Date(next.rotatedAt)}
        returning *`;
      return firstFamily(await asked(recordingFamily(sql, change, entries)));
    },

    async revoke(tokenFamily, { at, reason }, entries) {
      const change = sql`
        update token_families set revoked_at = ${new Date(at)}, revoked_reason = ${reason}
        where token_family = ${tokenFamily} and revoked_at is null
        returning *`;
      const rows = await asked(recordingFamily(sql, change, entries));
      return rows.length > 0;
    },

    async revokeAll(userId, revocation) {
      const ended = await asked(endingAll(sql, userId, revocation));
      return ended.map((row) => row.token_family);
    },

    async list(userId, { now, limit, after }) {
      const behind =
        after && sql`and (created_at, token_family) < (${new Date(after.createdAt)}, ${after.tokenFamily})`;
      const rows = await asked(sql<FamilyRow[]>`
        select * from token_families
        where user_id = ${userId} and revoked_at is null and expires_at > ${new Date(now)} ${behind ?? sql``}
        order by created_at desc, token_family desc
        limit ${limit}`);
      return rows.map(toFamily);
    },

    async record(tokenFamily, entries) {
      const family = sql`select * from token_families where token_family = ${tokenFamily}`;
      await asked(recordingFamily(sql, family, entries));
    },
  };

  function insertion(family: TokenFamily) {
    return sql`insert into token_families ${sql(familyColumns(family))} returning *`;
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
      returning *`;
  }
}

/** Bytes in the text form that PostgreSQL reads from JSON. */
function asJson(columns: ReturnType<typeof familyColumns>) {
  const entries = Object.entries(columns).map(([name, value]) => [
    name,
    Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : value,
  ]);
  return Object.fromEntries(entries);
}

function firstFamily([row]: readonly FamilyRow[]) {
  return row === undefined ? null : toFamily(row);
}
