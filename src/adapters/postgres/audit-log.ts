import type { AuditFilter, AuditLog, AuditPage } from '../../ports/stores/audit-log.ts';
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
      return (await execute(listEventsSql(sql, filter, page))).map(toAuditEvent);
    },

    async record(event) {
      await execute(insertEvent(sql, event));
    },

    async countFailedPassword({ userId, network, at }) {
      await execute(
        sql`select count_failed_password(${new Date(at)}, ${userId ?? UNKNOWN_NAME}, ${network})`,
      );
    },

    async copyFailedPasswords(before, limit) {
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

export function listEventsSql(sql: Sql, filter: AuditFilter, page: AuditPage) {
  const order = page.newestFirst ? sql`occurred_at desc, id desc` : sql`occurred_at, id`;
  return sql<AuditRow[]>`
    select ${sql(AUDIT_COLUMNS)} from security_events
    where ${matches(sql, filter)} ${behind(sql, page)}
    order by ${order}
    limit ${page.limit}`;
}

function matches(sql: Sql, { types, userId, sessionId, from, to }: AuditFilter) {
  return sql`true
    ${types === undefined ? sql`` : sql`and ${isOneOf(sql, types)}`}
    ${userId === undefined ? sql`` : sql`and user_id = ${userKey(userId)}`}
    ${sessionId === undefined ? sql`` : sql`and session_id = ${sessionId}`}
    ${from === undefined ? sql`` : sql`and occurred_at >= ${new Date(from)}`}
    ${to === undefined ? sql`` : sql`and occurred_at < ${new Date(to)}`}`;
}

/** A single type is compared by itself: only then the index of types gives the order, too. */
function isOneOf(sql: Sql, types: readonly string[]) {
  const [type = ''] = types;
  return types.length === 1 ? sql`type = ${type}` : sql`type = any (${[...types]}::text[])`;
}

function behind(sql: Sql, { after, newestFirst }: AuditPage) {
  if (after === null) return sql``;
  const place = sql`(${new Date(after.occurredAt)}, ${after.id}::uuid)`;
  return newestFirst ? sql`and (occurred_at, id) < ${place}` : sql`and (occurred_at, id) > ${place}`;
}
