import type { AuditLog } from '../../ports/stores/audit-log.ts';
import { AUDIT_COLUMNS, type AuditRow, toAuditEvent } from './audit-row.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';

/** The audit log in PostgreSQL. The statements of other stores insert its rows. */
export function createAuditLog(sql: Sql): AuditLog {
  return {
    async list({ sessionId }, { limit, after }) {
      const ofSession = sessionId === undefined ? sql`` : sql`and session_id = ${sessionId}`;
      const behind =
        after === null
          ? sql``
          : sql`and (occurred_at, id) > (${new Date(after.occurredAt)}, ${after.id}::uuid)`;
      const rows = await execute(sql<AuditRow[]>`
        select ${sql(AUDIT_COLUMNS)} from security_events
        where true ${ofSession} ${behind}
        order by occurred_at, id
        limit ${limit}`);
      return rows.map(toAuditEvent);
    },
  };
}
