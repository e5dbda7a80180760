import type { PendingQuery, Row } from 'postgres';
import type { AuditFilter, AuditLog, AuditPageRequest, AuditPosition } from '../../ports/stores/audit-log.ts';
import { AUDIT_COLUMNS, type AuditRow, insertEvent, toAuditEvent } from './audit-row.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { userKey } from './user-key.ts';

/** The subjects of counts without an account, as the database function `count_failed_password` names them. */
const UNKNOWN_NAME = 'unknown';
const REST = 'rest';

/** The audit log in PostgreSQL. The statements of other stores insert most of its rows. */
export function createAuditLog(sql: Sql): AuditLog {
  return {
    async list(filter, page) {
      const rows = await execute(listEventsSql(sql, filter, page));
      const events = rows.slice(0, page.limit).map(toAuditEvent);
      const last = events.at(-1);
      if (rows.length > page.limit && last !== undefined) return { events, next: last };
      return { events, next: isScan(filter) ? await endOfScan(sql, filter, page) : null };
    },

    async record(event) {
      await execute(insertEvent(sql, event));
    },

    async countFailedPassword({ userId, network, at }) {
      await execute(
        sql`select count_failed_password(${new Date(at)}, ${userId ?? UNKNOWN_NAME}, ${network})`,
      );
    },

    async moveFailedPasswordCounts(before, limit) {
      const { count } = await execute(sql`
        with over as (
          delete from failed_passwords where (minute, subject, network) in (
            select minute, subject, network from failed_passwords where minute < ${new Date(before)}
            limit ${limit}
            for update skip locked
          )
          returning minute, subject, network, count, subject in (${UNKNOWN_NAME}, ${REST}) as is_nobody
        )
        insert into security_events (id, occurred_at, type, user_id, actor, address, data)
        select gen_random_uuid(), minute, 'users.password_failed', case when not is_nobody then subject::uuid end,
          'user', nullif(network, ''),
          jsonb_build_object('count', count) || case when is_nobody then jsonb_build_object('subject', subject) else '{}' end
        from over`);
      return count;
    },
  };
}

/** How many events of a user or a session one call reads at most: no index has their types. */
export const MAX_SCANNED_EVENTS = 10_000;

/** Selects one row more than the limit, to detect a next page. */
export function listEventsSql(sql: Sql, filter: AuditFilter, page: AuditPageRequest) {
  const limit = page.limit + 1;
  const wanted = isScan(filter) ? ownerOf(sql, filter) : typesOf(sql, filter);
  if (wanted === null)
    return sql<AuditRow[]>`
      select ${sql(AUDIT_COLUMNS)} from security_events
      where ${isBetween(sql, boundsOf(filter, page))}
      order by ${order(sql, page)}
      limit ${limit}`;
  return sql<AuditRow[]>`
    select ${sql(AUDIT_COLUMNS)} from unnest(${wanted.values}) wanted (value) cross join lateral (
      ${isScan(filter) ? scanForSql(sql, filter, page, wanted) : rangeSql(sql, filter, page, wanted)}
      limit ${limit}
    ) found
    order by ${order(sql, page)}
    limit ${limit}`;
}

function isScan({ userId, sessionId }: AuditFilter): boolean {
  return userId !== undefined || sessionId !== undefined;
}

/**
 * The first column of an index on it, the time and the id, and the values that are wanted. Each value is read by itself, so
 * that a rare type costs no more than a frequent one. The value is part of the bounds and of the order, instead of a
 * condition of its own, so that no other index has the order. Otherwise the planner can choose the index of times, and read
 * all events until it finds enough of the value. The planner does not see the value, so that statistics cannot mislead it.
 */
interface Wanted {
  readonly column: PendingQuery<Row[]>;
  readonly values: PendingQuery<Row[]>;
}

function ownerOf(sql: Sql, { userId = '', sessionId }: AuditFilter): Wanted {
  return sessionId === undefined
    ? { column: sql`user_id`, values: sql`array[${userKey(userId)}::uuid]` }
    : { column: sql`session_id`, values: sql`array[${sessionId}::uuid]` };
}

function typesOf(sql: Sql, { types }: AuditFilter): Wanted | null {
  return types === undefined ? null : { column: sql`type`, values: sql`${[...new Set(types)]}::text[]` };
}

/** The events of a value in the order of its index. */
function rangeSql(sql: Sql, filter: AuditFilter, page: AuditPageRequest, wanted: Wanted) {
  return sql`
    select ${sql(AUDIT_COLUMNS)} from security_events
    where ${wanted.column} is not null and ${isBetween(sql, boundsOf(filter, page), wanted)}
    order by ${order(sql, page, wanted)}`;
}

/** The events of a user or a session that match, among those that a call reads. */
function scanForSql(sql: Sql, filter: AuditFilter, page: AuditPageRequest, owner: Wanted) {
  const { types, userId, sessionId } = filter;
  return sql`
    select ${sql(AUDIT_COLUMNS)} from (${rangeSql(sql, filter, page, owner)} limit ${MAX_SCANNED_EVENTS}) scanned
    where true
      ${types === undefined ? sql`` : sql`and type = any (${[...types]}::text[])`}
      ${userId === undefined || sessionId === undefined ? sql`` : sql`and user_id = ${userKey(userId)}`}
    order by ${order(sql, page, owner)}`;
}

async function endOfScan(
  sql: Sql,
  filter: AuditFilter,
  page: AuditPageRequest,
): Promise<AuditPosition | null> {
  const owner = ownerOf(sql, filter);
  const [row] = await execute(sql<Pick<AuditRow, 'id' | 'occurred_at'>[]>`
    select last.id, last.occurred_at from unnest(${owner.values}) wanted (value) cross join lateral (
      ${rangeSql(sql, filter, page, owner)} offset ${MAX_SCANNED_EVENTS - 1} limit 1
    ) last`);
  return row ? { id: row.id, occurredAt: row.occurred_at.getTime() } : null;
}

function order(sql: Sql, { newestFirst }: AuditPageRequest, wanted?: Wanted) {
  const direction = newestFirst ? sql`desc` : sql`asc`;
  const first = wanted === undefined ? sql`` : sql`${wanted.column} ${direction},`;
  return sql`${first} occurred_at ${direction}, id ${direction}`;
}

interface Bounds {
  readonly lower: AuditPosition | null;
  readonly upper: AuditPosition | null;
}

/** The places between which the events are, exclusive. One bound on each side, because an index starts at one only. */
function boundsOf({ from, to }: AuditFilter, { after, newestFirst = false }: AuditPageRequest): Bounds {
  const first = from === undefined ? null : { occurredAt: from, id: LEAST };
  const end = to === undefined ? null : { occurredAt: to, id: LEAST };
  return newestFirst
    ? { lower: first, upper: after !== null && (end === null || isBefore(after, end)) ? after : end }
    : { lower: after !== null && (first === null || isBefore(first, after)) ? after : first, upper: end };
}

function isBefore(one: AuditPosition, other: AuditPosition): boolean {
  return one.occurredAt < other.occurredAt || (one.occurredAt === other.occurredAt && one.id < other.id);
}

/** Less than the id of each event. */
const LEAST = '00000000-0000-0000-0000-000000000000';

/** With `wanted` for its `wanted.value`. */
function isBetween(sql: Sql, { lower, upper }: Bounds, wanted?: Wanted): PendingQuery<Row[]> {
  const row = wanted === undefined ? sql`(occurred_at, id)` : sql`(${wanted.column}, occurred_at, id)`;
  const rowAt = (place: AuditPosition | null, otherwise: PendingQuery<Row[]>) => {
    const time = place === null ? otherwise : sql`${new Date(place.occurredAt)}`;
    const first = wanted === undefined ? sql`` : sql`wanted.value,`;
    return sql`(${first} ${time}::timestamptz, ${place?.id ?? LEAST}::uuid)`;
  };
  const isBounded = (place: AuditPosition | null) => place !== null || wanted !== undefined;
  return sql`true
    ${isBounded(lower) ? sql`and ${row} > ${rowAt(lower, sql`'-infinity'`)}` : sql``}
    ${isBounded(upper) ? sql`and ${row} < ${rowAt(upper, sql`'infinity'`)}` : sql``}`;
}
