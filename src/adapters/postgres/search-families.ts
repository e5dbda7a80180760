import type { PendingQuery, Row } from 'postgres';
import type {
  FamilyFilter,
  FamilyPage,
  FamilyPosition,
  FoundFamilies,
} from '../../ports/stores/token-families.ts';
import { assertEach } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { FAMILY_COLUMNS, type FamilyRow, toFamily } from './family-row.ts';
import { readFromSnapshot } from './read-from-snapshot.ts';
import { belongsTo, isOfUser, userKey } from './user-key.ts';
import type { Executor } from './with-outbox.ts';

/**
 * The maximum number of rows that one call reads. The filters for address, client and user agent have no index. Such
 * indexes would slow down every login, and every rotation that changes the address.
 */
export const MAX_SCANNED_ROWS = 10_000;

/** Reads a page of the families that match the filter, newest first. See `TokenFamilies.search`. */
export async function searchFamilies(
  sql: Sql,
  filter: FamilyFilter,
  page: FamilyPage,
): Promise<FoundFamilies> {
  return readFromSnapshot(sql, async (tx) => {
    const rows = await searchSql(tx, filter, page);
    assertEach(rows, (row) => filter.userId === null || belongsTo(row, filter.userId));
    const families = rows.slice(0, page.limit).map(toFamily);
    const last = families.at(-1);
    if (rows.length > page.limit && last !== undefined) return { families, next: last };
    return { families, next: await findEndOfScan(tx, filter, page) };
  });
}

/** Finds the position of the last row that the search read. Null if the search read all rows. */
async function findEndOfScan(
  sql: Executor,
  filter: FamilyFilter,
  page: FamilyPage,
): Promise<FamilyPosition | null> {
  const [row] = await sql<Pick<FamilyRow, 'created_at' | 'token_family'>[]>`
    select created_at, token_family from (${scannedSql(sql, filter, page)} offset ${MAX_SCANNED_ROWS - 1} limit 1) last`;
  return row ? { createdAt: row.created_at.getTime(), tokenFamily: row.token_family } : null;
}

/** Selects one row more than the limit, to detect a next page. */
export function searchSql(sql: Executor, filter: FamilyFilter, page: FamilyPage) {
  const { userId, state, address, clientId, agent } = filter;
  const end = sql`least(expires_at, refresh_expires_at)`;
  const now = new Date(page.now);
  const isLive = sql`(revoked_at is null and ${end} > ${now})`;
  return sql<FamilyRow[]>`
    select ${sql(FAMILY_COLUMNS)} from (${scannedSql(sql, filter, page)} limit ${MAX_SCANNED_ROWS}) scanned
    where true
      ${userId === null ? sql`` : sql`and ${isOfUser(sql, userId)}`}
      ${state === 'live' ? sql`and ${isLive}` : sql``}
      ${state === 'ended' ? sql`and not ${isLive}` : sql``}
      ${address === undefined ? sql`` : sql`and ${address} in (address, login_address)`}
      ${clientId === undefined ? sql`` : sql`and client_id = ${clientId}`}
      ${agent === undefined ? sql`` : sql`and position(lower(${agent}) in lower(user_agent)) > 0`}
    order by created_at desc, token_family desc
    limit ${page.limit + 1}`;
}

/**
 * Selects the rows among which a call searches, in the order of an index. The rows of a user are selected by the key of
 * the user alone. With a condition on the text of the user id, the planner would expect a single row. It would then
 * read and sort all sessions of the user.
 */
function scannedSql(sql: Executor, { userId, state }: FamilyFilter, { after }: FamilyPage) {
  const behind =
    after === null
      ? sql``
      : sql`and (created_at, token_family) < (${new Date(after.createdAt)}, ${after.tokenFamily})`;
  const unrevoked = sql`revoked_at is null`;
  if (userId !== null && state === 'live') return unrevokedOfUserSql(sql, userId, behind);
  if (userId !== null) return selectInOrder(sql, sql`user_id = ${userKey(userId)} ${behind}`);
  if (state === 'live') return selectInOrder(sql, sql`${unrevoked} ${behind}`);
  // Each part has an index of its own, and the two are merged.
  return sql`
    select ${sql(FAMILY_COLUMNS)} from (
      (${selectInOrder(sql, sql`${unrevoked} ${behind}`)} limit ${MAX_SCANNED_ROWS})
      union all
      (${selectInOrder(sql, sql`revoked_at is not null ${behind}`)} limit ${MAX_SCANNED_ROWS})
    ) both_parts
    order by created_at desc, token_family desc`;
}

/**
 * The unrevoked families of a user, newest first. The limit of sessions bounds their number. `offset 0` keeps the order
 * out of the inner query. Otherwise the planner reads the index of all families of the user, which has that order, with
 * every ended one.
 */
export function unrevokedOfUserSql(sql: Executor, userId: string, behind: PendingQuery<Row[]>) {
  return sql`
    select ${sql(FAMILY_COLUMNS)} from (
      select ${sql(FAMILY_COLUMNS)} from token_families
      where user_id = ${userKey(userId)} and revoked_at is null ${behind}
      offset 0
    ) unrevoked
    order by created_at desc, token_family desc`;
}

function selectInOrder(sql: Executor, condition: PendingQuery<Row[]>) {
  return sql`
    select ${sql(FAMILY_COLUMNS)} from token_families where ${condition} order by created_at desc, token_family desc`;
}

/**
 * Counts live families up to `limit`. A higher number is estimated from the statistics of an index. The estimate
 * includes expired families that are not purged yet.
 */
export async function countLive(sql: Sql, now: number, limit: number): Promise<number> {
  const [row] = await execute(sql<{ counted: number; estimate: number }[]>`
    select counted, greatest(reltuples, 0)::float8 as estimate
    from pg_class, (
      select count(*)::int as counted from (
        select from token_families
        where revoked_at is null and least(expires_at, refresh_expires_at) > ${new Date(now)}
        limit ${limit}
      ) as live
    ) as count
    where pg_class.oid = 'token_families_unrevoked'::regclass`);
  const { counted = 0, estimate = 0 } = row ?? {};
  return counted < limit ? counted : Math.max(counted, Math.round(estimate));
}
