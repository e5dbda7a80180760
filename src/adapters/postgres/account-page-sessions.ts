import type { AccountPageSessions } from '../../ports/stores/account-page-sessions.ts';
import { isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { decodeHash, FAMILY_COLUMNS, type FamilyRow, toFamily } from './family-row.ts';

/** Sessions of account pages in PostgreSQL. */
export function createAccountPageSessions(sql: Sql): AccountPageSessions {
  return {
    async addCookie({ hashedToken, tokenFamily }) {
      const { count } = await execute(sql`
        insert into account_page_sessions as page (hashed_token, token_family)
        values (${decodeHash(hashedToken)}, ${tokenFamily})
        on conflict (hashed_token) do update set token_family = page.token_family
        where page.token_family = excluded.token_family`);
      if (count === 0) throw new Error('Another family has this cookie.');
    },

    async find(hashedTokens, now) {
      const hashes = hashedTokens.map(decodeHash);
      const rows = await execute(sql<(FamilyRow & { hashed_token: Buffer })[]>`
        with page as (
          select hashed_token, token_family as family_of_page from account_page_sessions
          where hashed_token in ${sql(hashes)}
        )
        select hashed_token, ${sql(FAMILY_COLUMNS)}
        from page join token_families on token_family = family_of_page
        where revoked_at is null and least(expires_at, refresh_expires_at) > ${new Date(now)}`);
      const row = onlyRow(rows, ({ hashed_token: found }) => hashes.some((hash) => hash.equals(found)));
      return row === null ? null : toFamily(row);
    },

    async keepAlive(tokenFamily, at, idleUntil) {
      const rows = await execute(sql<Pick<FamilyRow, 'token_family'>[]>`
        update token_families
        set refresh_expires_at = greatest(refresh_expires_at, ${new Date(idleUntil)}),
          rotated_at = greatest(rotated_at, ${new Date(at)})
        where token_family = (
            select token_family from account_page_sessions where token_family = ${tokenFamily}
          )
          and revoked_at is null and least(expires_at, refresh_expires_at) > ${new Date(at)}
        returning token_family`);
      return onlyRow(rows, (row) => isSameId(row.token_family, tokenFamily)) !== null;
    },
  };
}
