import type { FamilyFilter, FamilyPage, FoundFamilies } from '../../ports/stores/token-families.ts';
import { assertEach, isSameId } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { FAMILY_COLUMNS, type FamilyRow, toFamily } from './family-row.ts';

/**
 * How many rows one call reads at most. There is no index for what operators look for: each would cost every login, and
 * every rotation that changes the address.
 */
export const SCANNED = 10_000;

export async function searchFamilies(
  sql: Sql,
  filter: FamilyFilter,
  page: FamilyPage,
): Promise<FoundFamilies> {
  const rows = await execute(searchSql(sql, filter, page));
  assertEach(rows, ({ user_id: id }) => filter.userId === null || isSameId(id, filter.userId));
  const families = rows.slice(0, page.limit).map(toFamily);
  const last = families.at(-1);
  if (rows.length > page.limit && last !== undefined) return { families, next: last };
  const [scanned] = await execute(sql<Pick<FamilyRow, 'created_at' | 'token_family'>[]>`
    select created_at, token_family from (${scannedSql(sql, filter, page)} offset ${SCANNED - 1} limit 1) last`);
  return {
    families,
    next: scanned ? { createdAt: scanned.created_at.getTime(), tokenFamily: scanned.token_family } : null,
  };
}

/** One row more than the limit says that there is a next page. */
export function searchSql(sql: Sql, filter: FamilyFilter, page: FamilyPage) {
  const { state, address, clientId, agent } = filter;
  const end = sql`least(expires_at, refresh_expires_at)`;
  const now = new Date(page.now);
  const isLive = sql`(revoked_at is null and ${end} > ${now})`;
  return sql<FamilyRow[]>`
    select ${sql(FAMILY_COLUMNS)} from (${scannedSql(sql, filter, page)} limit ${SCANNED}) scanned
    where true
      ${state === 'live' ? sql`and ${isLive}` : sql``}
      ${state === 'ended' ? sql`and not ${isLive}` : sql``}
      ${address === undefined ? sql`` : sql`and ${address} in (address, login_address)`}
      ${clientId === undefined ? sql`` : sql`and client_id = ${clientId}`}
      ${agent === undefined ? sql`` : sql`and position(lower(${agent}) in lower(user_agent)) > 0`}
    order by created_at desc, token_family desc
    limit ${page.limit + 1}`;
}

/** The rows among which a call searches, in the order of an index. */
function scannedSql(sql: Sql, { userId, state }: FamilyFilter, { after }: FamilyPage) {
  return sql`
    select ${sql(FAMILY_COLUMNS)} from token_families
    where true
      ${userId === null ? sql`` : sql`and user_id = ${userId}`}
      ${state === 'live' ? sql`and revoked_at is null` : sql``}
      ${after === null ? sql`` : sql`and (created_at, token_family) < (${new Date(after.createdAt)}, ${after.tokenFamily})`}
    order by created_at desc, token_family desc`;
}
