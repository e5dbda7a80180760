import type { DeliveryAttemptRecord, DeliveryState } from '../../domain/webhooks.ts';
import type {
  DeliveredEvent,
  DeliveryPosition,
  WebhookDeliveries,
} from '../../ports/stores/webhook-deliveries.ts';
import type { TraceContext } from '../../ports/tracing.ts';
import { assertEach, isSameId } from './answer-check.ts';
import { changeAndRecord } from './audit-row.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import type { Executor } from './with-outbox.ts';

interface DeliveryRow {
  endpoint_id: string;
  event_id: string;
  type: string;
  data: DeliveredEvent['data'];
  occurred_at: Date;
  trace: TraceContext | null;
  state: DeliveryState;
  attempts: number;
  due_at: Date;
  history: readonly DeliveryAttemptRecord[];
}

/**
 * Deliveries of webhooks in PostgreSQL. The trigger `fan_out_events` inserts the deliveries of recorded events.
 * {@link insertDelivery} inserts a single delivery. A claim is a lease in the row.
 */
export function createWebhookDeliveries(sql: Sql): WebhookDeliveries {
  return {
    async listDueEndpoints(now) {
      const rows = await execute(sql<{ id: string }[]>`
        select id from webhook_endpoints where ${isNotHeld(now)} and (
          webhook_endpoints.state = 'enabled' and exists (
            select from webhook_deliveries
            where endpoint_id = webhook_endpoints.id and state = 'pending' and due_at <= ${new Date(now)}
          ) or exists (
            select from webhook_deliveries
            where endpoint_id = webhook_endpoints.id and state = 'pending' and due_at <= ${new Date(now)}
              and type = 'streams.updated'
          )
        )`);
      return rows.map(({ id }) => id);
    },

    async claim(endpointId, now, leasedUntil, limit) {
      const rows = await execute(sql<DeliveryRow[]>`
        update webhook_deliveries set attempts = attempts + 1, due_at = ${new Date(leasedUntil)}
        where endpoint_id = ${endpointId} and event_id in (
          select event_id from webhook_deliveries
          where endpoint_id = ${endpointId} and state = 'pending' and due_at <= ${new Date(now)}
            and exists (
              select from webhook_endpoints
              where id = ${endpointId} and ${isNotHeld(now)}
                and (webhook_endpoints.state = 'enabled' or type = 'streams.updated')
            )
          order by due_at
          limit ${limit}
          for update skip locked
        )
        returning endpoint_id, event_id, type, data, occurred_at, trace, attempts, history`);
      assertEach(rows, (row) => isSameId(row.endpoint_id, endpointId));
      return rows
        .map((row) => ({
          event: { ...toFacts(row), data: row.data },
          attempt: row.attempts,
          history: row.history,
          trace: row.trace,
        }))
        .sort((one, other) => one.event.occurredAt - other.event.occurredAt);
    },

    async record(endpointId, outcomes) {
      const rows = outcomes.map(({ dueAt, ...rest }) => ({ ...rest, dueAt: new Date(dueAt).toISOString() }));
      await execute(sql`
        update webhook_deliveries
        set state = outcome.state, due_at = outcome."dueAt", history = outcome.history
        from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          as outcome("eventId" uuid, state text, "dueAt" timestamptz, history jsonb)
        where endpoint_id = ${endpointId} and event_id = outcome."eventId"
          and webhook_deliveries.state <> 'delivered'`);
    },

    async add(endpointId, event) {
      await execute(insertDelivery(sql, endpointId, event));
    },

    async list(endpointId, limit, after) {
      const rows = await execute(listDeliveriesSql(sql, endpointId, limit, after));
      assertEach(rows, (row) => isSameId(row.endpoint_id, endpointId));
      return rows.map((row) => ({
        event: toFacts(row),
        state: row.state,
        dueAt: row.due_at.getTime(),
        attempts: row.attempts,
        history: row.history,
      }));
    },

    async sendAgain(endpointId, eventId, at, entries = []) {
      const update = (executor: Executor) => executor`
        update webhook_deliveries set state = 'pending', attempts = 0, due_at = ${new Date(at)}
        where endpoint_id = ${endpointId} and event_id = ${eventId}`;
      const { count } = await execute(changeAndRecord(sql, update, entries));
      return count === 1;
    },

    async sendPeriodAgain(endpointId, { from, to, onlyFailed }, at, limit, entries = []) {
      const states = onlyFailed ? ['failed'] : ['failed', 'delivered'];
      const update = (executor: Executor) => executor<{ occurred_at: Date }[]>`
        update webhook_deliveries set state = 'pending', attempts = 0, due_at = ${new Date(at)}
        where endpoint_id = ${endpointId} and event_id in (
          select event_id from webhook_deliveries
          where endpoint_id = ${endpointId} and occurred_at >= ${new Date(from)} and occurred_at < ${new Date(to)}
            and state = any(${states}::text[])
          order by occurred_at
          limit ${limit}
          for update skip locked
        )
        returning occurred_at`;
      const rows = await execute(changeAndRecord(sql, update, entries));
      const times = rows.map(({ occurred_at }) => occurred_at.getTime());
      return { count: rows.count, latest: times.length === 0 ? null : Math.max(...times) };
    },

    async forget(before, limit) {
      const { count } = await execute(sql`
        delete from webhook_deliveries where (endpoint_id, event_id) in (
          select endpoint_id, event_id from webhook_deliveries where occurred_at < ${new Date(before)}
          order by occurred_at
          limit ${limit}
          for update skip locked
        )`);
      return count;
    },

    async forgetRemoved(endpointId, limit) {
      const { count } = await execute(sql`
        delete from webhook_deliveries where endpoint_id = ${endpointId} and event_id in (
          select event_id from webhook_deliveries
          where endpoint_id = ${endpointId}
            and not exists (select from webhook_endpoints where id = ${endpointId})
          limit ${limit}
          for update skip locked
        )`);
      return count;
    },

    async backlog(now) {
      const [row] = await execute(sql<{ pending: number; oldest_due_at: Date | null }[]>`
        select count(*)::int as pending, min(due_at) filter (where due_at <= ${new Date(now)}) as oldest_due_at
        from (
          select due_at from webhook_endpoints join webhook_deliveries on endpoint_id = id
          where webhook_endpoints.state = 'enabled' and webhook_deliveries.state = 'pending'
          order by due_at
          limit 50000
        ) waiting`);
      return { pending: row?.pending ?? 0, oldestDueAt: row?.oldest_due_at?.getTime() ?? null };
    },
  };

  function isNotHeld(now: number) {
    return sql`(held_until is null or held_until <= ${new Date(now)})`;
  }
}

/** Inserts the delivery of an event to one endpoint. A condition may follow the statement. */
export function insertDelivery(
  executor: Executor,
  endpointId: string,
  { id, type, occurredAt, data }: DeliveredEvent,
) {
  const at = new Date(occurredAt);
  return executor`
    insert into webhook_deliveries (endpoint_id, event_id, type, data, occurred_at, due_at)
    select ${endpointId}::uuid, ${id}::uuid, ${type}::text, ${JSON.stringify(data)}::text::jsonb, ${at}::timestamptz,
      ${at}::timestamptz`;
}

/**
 * Selects the newest deliveries to an endpoint behind a position. The endpoint is part of the bounds and of the order,
 * and not a condition of its own. Only one index has that order. Otherwise the planner could choose the index of times,
 * and read the deliveries of all endpoints. The planner does not see the id, so statistics cannot mislead it.
 */
export function listDeliveriesSql(
  sql: Sql,
  endpointId: string,
  limit: number,
  after: DeliveryPosition | null,
) {
  const time = after === null ? sql`'infinity'` : sql`${new Date(after.occurredAt)}`;
  const row = sql`(endpoint_id, occurred_at, event_id)`;
  const columns = sql`endpoint_id, event_id, type, occurred_at, state, attempts, due_at, history`;
  return sql<DeliveryRow[]>`
    select ${columns} from unnest(array[${endpointId}::uuid]) wanted (endpoint) cross join lateral (
      select ${columns} from webhook_deliveries
      where ${row} > (wanted.endpoint, '-infinity'::timestamptz, ${LEAST_ID}::uuid)
        and ${row} < (wanted.endpoint, ${time}::timestamptz, ${after?.eventId ?? LEAST_ID}::uuid)
      order by endpoint_id desc, occurred_at desc, event_id desc
      limit ${limit}
    ) found
    order by occurred_at desc, event_id desc`;
}

/** Sorts before the id of every event. */
const LEAST_ID = '00000000-0000-0000-0000-000000000000';

function toFacts({ event_id, type, occurred_at }: DeliveryRow): Omit<DeliveredEvent, 'data'> {
  return { id: event_id, type, occurredAt: occurred_at.getTime() };
}
