import type { PendingQuery, Row } from 'postgres';
import type { FactorKind } from '../../domain/second-factor.ts';
import type { Role } from '../../domain/user.ts';
import type { ListedUser, UserFilter } from '../../domain/user-directory.ts';
import type { FoundUsers, UserDirectory, UserPage } from '../../ports/stores/user-directory.ts';
import { isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { readFromSnapshot } from './read-from-snapshot.ts';
import { userKey } from './user-key.ts';
import { NAMED_USER_COLUMNS, type NamedUserRow, toNamedUser } from './user-row.ts';
import type { Executor } from './with-outbox.ts';

interface ListedRow extends NamedUserRow {
  created_at: Date;
  roles: Role[];
  disabled_at: Date | null;
  factors: FactorKind[];
  sessions: number;
  last_login_at: Date | null;
}

/**
 * The greatest character of Unicode. A prefix followed by this character sorts after every text that begins with the
 * prefix.
 */
const GREATEST = '\u{10ffff}';

/** The maximum number of disabled users that one page reads. Users without an account are read, but not listed. */
export const MAX_SCANNED_USERS = 10_000;

/** The accounts in PostgreSQL. */
export function createUserDirectory(sql: Sql): UserDirectory {
  return {
    async list(filter, page) {
      if (filter.by !== 'disabled') return toPage(await execute(listSql(sql, filter, page)), page, null);
      return readFromSnapshot(sql, async (tx) => {
        const rows = await listSql(tx, filter, page);
        return toPage(rows, page, rows.length > page.limit ? null : await findEndOfScan(tx, page.after));
      });
    },

    async find(id, now) {
      const key = userKey(id);
      const rows = await execute(sql<ListedRow[]>`
        select ${listedColumns(sql, now)} from users left join user_states state on state.user_id = users.id
        where users.id = ${key}`);
      const row = onlyRow(rows, (found) => isSameId(found.id, key));
      return row && toListedUser(row);
    },
  };
}

type Positioned = ListedRow & { position: string };

/** `endOfScan` is the position behind which the next page begins if this one is not full. */
function toPage(rows: readonly Positioned[], { limit }: UserPage, endOfScan: string | null): FoundUsers {
  const users = rows.slice(0, limit).map(({ position, ...row }) => ({ user: toListedUser(row), position }));
  const last = users.at(-1);
  return { users, next: rows.length > limit && last !== undefined ? last.position : endOfScan };
}

/** Finds the last disabled user that a page read. Null if it read all of them. */
async function findEndOfScan(sql: Executor, after: string | null): Promise<string | null> {
  const [last] = await sql<{ user_id: string }[]>`
    ${disabledSql(sql, after)} offset ${MAX_SCANNED_USERS - 1} limit 1`;
  return last?.user_id ?? null;
}

/** The ids of disabled users behind the position `after`. */
function disabledSql(sql: Executor, after: string | null) {
  return sql`
    select user_id from user_states
    where disabled_at is not null ${after === null ? sql`` : sql`and user_id > ${after}::uuid`}
    order by user_id`;
}

/**
 * Selects a page of a list, and one row more, to detect a next page. The page is chosen first, so only the facts of its
 * accounts are read.
 */
export function listSql(sql: Executor, filter: UserFilter, { now, limit, after }: UserPage) {
  const order =
    filter.by === 'age' ? sql`users.created_at desc, users.id desc` : sql`page.position collate "C"`;
  return sql<Positioned[]>`
    with page as materialized (${pageSql(sql, filter, after)} limit ${limit + 1})
    select ${listedColumns(sql, now)}, page.position
    from page join users on users.id = page.id left join user_states state on state.user_id = users.id
    order by ${order}`;
}

/** Selects the ids and positions of the accounts behind the position `after`, in the order of the list. */
function pageSql(sql: Executor, filter: UserFilter, after: string | null): PendingQuery<Row[]> {
  const afterId = after === null ? sql`` : sql`and id > ${after}::uuid`;
  switch (filter.by) {
    case 'age':
      return pageByAgeSql(sql, after);
    case 'identifier':
      return pageByIdentifierSql(sql, filter.text, after);
    case 'id':
      return sql`
        select id, id::text as position from users
        where id >= ${filter.first} and id <= ${filter.last} ${afterId}
        order by id`;
    case 'disabled':
      return sql`
        select id, id::text as position
        from (${disabledSql(sql, after)} limit ${MAX_SCANNED_USERS}) scanned join users on id = user_id
        order by user_id`;
    case 'role':
      return sql`
        select id, id::text as position from users where roles <> '{}' ${afterId} order by id`;
  }
}

function pageByAgeSql(sql: Executor, after: string | null) {
  const [time, id = ''] = after?.split('.') ?? [];
  const behind =
    time === undefined ? sql`` : sql`where (created_at, id) < (${new Date(Number(time))}, ${id}::uuid)`;
  return sql`
    select id, (extract(epoch from created_at) * 1000)::bigint || '.' || id as position from users ${behind}
    order by created_at desc, id desc`;
}

/** An account whose name and address both match is listed once, at the position of the one that sorts first. */
function pageByIdentifierSql(sql: Executor, text: string, after: string | null) {
  const matches = (table: string) => sql`
    ${sql(table)}.reserved_until is null
    and ${sql(table)}.identifier collate "C" >= ${text} and ${sql(table)}.identifier collate "C" < ${text + GREATEST}`;
  return sql`
    select user_id as id, identifier as position from user_identifiers found
    where ${matches('found')}
      ${after === null ? sql`` : sql`and identifier collate "C" > ${after}`}
      and not exists (
        select from user_identifiers other
        where other.user_id = found.user_id and ${matches('other')}
          and other.identifier collate "C" < found.identifier collate "C"
      )
    order by identifier collate "C"`;
}

/** Each subquery finds the rows of the user by an index. */
function listedColumns(sql: Executor, now: number) {
  return sql`
    ${sql(NAMED_USER_COLUMNS.map((name) => `users.${name}`))}, users.created_at, users.roles, state.disabled_at,
    array(
      select distinct kind from user_factors where user_id = users.id and confirmed_at is not null order by kind
    ) as factors,
    (
      select count(*)::int from token_families
      where user_id = users.id and revoked_at is null and least(expires_at, refresh_expires_at) > ${new Date(now)}
    ) as sessions,
    (
      select created_at from token_families where user_id = users.id
      order by created_at desc, token_family desc limit 1
    ) as last_login_at`;
}

function toListedUser(row: ListedRow): ListedUser {
  return {
    ...toNamedUser(row),
    createdAt: row.created_at.getTime(),
    roles: row.roles,
    disabledAt: row.disabled_at?.getTime() ?? null,
    factors: row.factors,
    sessions: row.sessions,
    lastLoginAt: row.last_login_at?.getTime() ?? null,
  };
}
