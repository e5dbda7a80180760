import type { PendingQuery, Row } from 'postgres';
import type {
  AuditFilter,
  AuditLog,
  AuditPageRequest,
  AuditPosition,
  FoundEvents,
} from '../../ports/stores/audit-log.ts';
import { AUDIT_COLUMNS, type AuditRow, insertEvent, toAuditEvent } from './audit-row.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { readFromSnapshot } from './read-from-snapshot.ts';
import { userKey } from './user-key.ts';
import type { Executor } from './with-outbox.ts';

/**
 * The subjects of counts that belong to no account. The database function
 * `count_failed_password` uses the name `rest`, too.
 */
const UNKNOWN_NAME = 'unknown';
const REST = 'rest';

/** The audit log in PostgreSQL. The statements of other stores insert most of its rows. */
export function createAuditLog(sql: Sql): AuditLog {
  return {
    async list(filter, page) {
      if (!isScan(filter)) return toPage(await execute(listEventsSql(sql, filter, page)), page, null);
      return readFromSnapshot(sql, async (tx) => {
        const rows = await listEventsSql(tx, filter, page);
        return toPage(rows, page, rows.length > page.limit ? null : await findEndOfScan(tx, filter, page));
      });
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
        with moved as (
          delete from failed_passwords where (minute, subject, network) in (
            select minute, subject, network from failed_passwords where minute < ${new Date(before)}
            limit ${limit}
            for update skip locked
          )
          returning minute, subject, network, count, subject in (${UNKNOWN_NAME}, ${REST}) as has_no_account
        )
        insert into security_events (id, occurred_at, type, user_id, actor, address, data)
        select gen_random_uuid(), minute, 'users.password_failed', case when not has_no_account then subject::uuid end,
          'user', nullif(network, ''),
          jsonb_build_object('count', count)
            || case when has_no_account then jsonb_build_object('subject', subject) else '{}' end
        from moved`);
      return count;
    },
  };
}

/** `endOfScan` is the position behind which the next page begins if this one is not full. */
function toPage(
  rows: readonly AuditRow[],
  { limit }: AuditPageRequest,
  endOfScan: AuditPosition | null,
): FoundEvents {
  const events = rows.slice(0, limit).map(toAuditEvent);
  const last = events.at(-1);
  return { events, next: rows.length > limit && last !== undefined ? last : endOfScan };
}

/**
 * The maximum number of events of a user or a session that one call reads. No index combines a user or a session with
 * the types of events.
 */
export const MAX_SCANNED_EVENTS = 10_000;

/** Selects one row more than the limit, to detect a next page. */
export function listEventsSql(sql: Executor, filter: AuditFilter, page: AuditPageRequest) {
  const limit = page.limit + 1;
  const wanted = isScan(filter) ? ownerOf(sql, filter) : typesOf(sql, filter);
  if (wanted === null)
    return sql<AuditRow[]>`
      select ${sql(AUDIT_COLUMNS)} from security_events
      where ${isBetween(sql, boundsOf(filter, page))}
      order by ${orderSql(sql, page)}
      limit ${limit}`;
  return sql<AuditRow[]>`
    select ${sql(AUDIT_COLUMNS)} from unnest(${wanted.values}) wanted (value) cross join lateral (
      ${isScan(filter) ? scanForSql(sql, filter, page, wanted) : rangeSql(sql, filter, page, wanted)}
      limit ${limit}
    ) found
    order by ${orderSql(sql, page)}
    limit ${limit}`;
}

/** Whether a call with this filter scans the events of a user or a session. */
function isScan({ userId, sessionId }: AuditFilter): boolean {
  return userId !== undefined || sessionId !== undefined;
}

/**
 * A column and the values for which events are wanted. Three rules keep the planner on the index of the column, the
 * time and the id:
 *
 * - Each value is read in a subquery of its own. So a rare type costs no more than a frequent one.
 * - The value is part of the bounds and of the order, and not a condition of its own. Only this index has that order.
 *   Otherwise the planner could choose the index of times, and read all events until it has found enough.
 * - The planner does not see the value. So statistics about the value cannot mislead it.
 */
interface Wanted {
  readonly column: PendingQuery<Row[]>;
  readonly values: PendingQuery<Row[]>;
}

function ownerOf(sql: Executor, { userId = '', sessionId }: AuditFilter): Wanted {
  return sessionId === undefined
    ? { column: sql`user_id`, values: sql`array[${userKey(userId)}::uuid]` }
    : { column: sql`session_id`, values: sql`array[${sessionId}::uuid]` };
}

function typesOf(sql: Executor, { types }: AuditFilter): Wanted | null {
  return types === undefined ? null : { column: sql`type`, values: sql`${[...new Set(types)]}::text[]` };
}

/** Selects the events with a wanted value, in the order of the index. */
function rangeSql(sql: Executor, filter: AuditFilter, page: AuditPageRequest, wanted: Wanted) {
  return sql`
    select ${sql(AUDIT_COLUMNS)} from security_events
    where ${wanted.column} is not null and ${isBetween(sql, boundsOf(filter, page), wanted)}
    order by ${orderSql(sql, page, wanted)}`;
}

/** Selects those events of a user or a session that match the filter. Reads at most `MAX_SCANNED_EVENTS`. */
function scanForSql(sql: Executor, filter: AuditFilter, page: AuditPageRequest, owner: Wanted) {
  const { types, userId, sessionId } = filter;
  return sql`
    select ${sql(AUDIT_COLUMNS)} from (${rangeSql(sql, filter, page, owner)} limit ${MAX_SCANNED_EVENTS}) scanned
    where true
      ${types === undefined ? sql`` : sql`and type = any (${[...types]}::text[])`}
      ${userId === undefined || sessionId === undefined ? sql`` : sql`and user_id = ${userKey(userId)}`}
    order by ${orderSql(sql, page, owner)}`;
}

/** Finds the position of the last event that the call read. Null if the call read all events. */
async function findEndOfScan(
  sql: Executor,
  filter: AuditFilter,
  page: AuditPageRequest,
): Promise<AuditPosition | null> {
  const owner = ownerOf(sql, filter);
  const [row] = await sql<Pick<AuditRow, 'id' | 'occurred_at'>[]>`
    select last.id, last.occurred_at from unnest(${owner.values}) wanted (value) cross join lateral (
      ${rangeSql(sql, filter, page, owner)} offset ${MAX_SCANNED_EVENTS - 1} limit 1
    ) last`;
  return row ? { id: row.id, occurredAt: row.occurred_at.getTime() } : null;
}

function orderSql(sql: Executor, { newestFirst }: AuditPageRequest, wanted?: Wanted) {
  const direction = newestFirst ? sql`desc` : sql`asc`;
  const first = wanted === undefined ? sql`` : sql`${wanted.column} ${direction},`;
  return sql`${first} occurred_at ${direction}, id ${direction}`;
}

interface Bounds {
  readonly lower: AuditPosition | null;
  readonly upper: AuditPosition | null;
}

/**
 * The positions between which the events are. Both are exclusive. Each side has a single bound, because an index scan
 * can start at one bound only.
 */
function boundsOf({ from, to }: AuditFilter, { after, newestFirst = false }: AuditPageRequest): Bounds {
  const first = from === undefined ? null : { occurredAt: from, id: LEAST_ID };
  const end = to === undefined ? null : { occurredAt: to, id: LEAST_ID };
  return newestFirst
    ? { lower: first, upper: after !== null && (end === null || isBefore(after, end)) ? after : end }
    : { lower: after !== null && (first === null || isBefore(first, after)) ? after : first, upper: end };
}

function isBefore(one: AuditPosition, other: AuditPosition): boolean {
  return one.occurredAt < other.occurredAt || (one.occurredAt === other.occurredAt && one.id < other.id);
}

/** Sorts before the id of every event. */
const LEAST_ID = '00000000-0000-0000-0000-000000000000';

/** The condition that an event is between the bounds, and has the current `wanted.value` if `wanted` is given. */
function isBetween(sql: Executor, { lower, upper }: Bounds, wanted?: Wanted): PendingQuery<Row[]> {
  const row = wanted === undefined ? sql`(occurred_at, id)` : sql`(${wanted.column}, occurred_at, id)`;
  const rowAt = (position: AuditPosition | null, otherwise: PendingQuery<Row[]>) => {
    const time = position === null ? otherwise : sql`${new Date(position.occurredAt)}`;
    const first = wanted === undefined ? sql`` : sql`wanted.value,`;
    return sql`(${first} ${time}::timestamptz, ${position?.id ?? LEAST_ID}::uuid)`;
  };
  const isBounded = (position: AuditPosition | null) => position !== null || wanted !== undefined;
  return sql`true
    ${isBounded(lower) ? sql`and ${row} > ${rowAt(lower, sql`'-infinity'`)}` : sql``}
    ${isBounded(upper) ? sql`and ${row} < ${rowAt(upper, sql`'infinity'`)}` : sql``}`;
}
