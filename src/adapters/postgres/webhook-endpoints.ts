import type { WebhookEndpoint } from '../../domain/webhooks.ts';
import type { DeliveredEvent } from '../../ports/stores/webhook-deliveries.ts';
import type {
  ClaimedNotification,
  NotificationClaim,
  WebhookEndpoints,
} from '../../ports/stores/webhook-endpoints.ts';
import { assertEach, isSameId, onlyRow } from './answer-check.ts';
import { changeAndRecord, insertEvent } from './audit-row.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { insertDelivery } from './webhook-deliveries.ts';
import type { Executor } from './with-outbox.ts';

interface EndpointRow {
  id: string;
  url: string;
  types: string[];
  format: WebhookEndpoint['format'];
  audience: string | null;
  contact: string | null;
  owner: string | null;
  stream: WebhookEndpoint['stream'];
  state: WebhookEndpoint['state'];
  disabled_because: WebhookEndpoint['disabledBecause'];
  created_at: Date;
  failing_since: Date | null;
  sealed_credentials: string | null;
  declared: boolean;
}

interface NotificationRow
  extends Pick<ClaimedNotification, 'id' | 'url' | 'contact' | 'because' | 'attempt'> {
  failing_since: Date | null;
  since: Date;
}

const COLUMNS = [
  'id',
  'url',
  'types',
  'format',
  'audience',
  'contact',
  'owner',
  'stream',
  'state',
  'disabled_because',
  'created_at',
  'failing_since',
  'sealed_credentials',
  'declared',
] as const satisfies readonly (keyof EndpointRow)[];

/** Endpoints of webhooks in PostgreSQL. */
export function createWebhookEndpoints(sql: Sql): WebhookEndpoints {
  return {
    add: (endpoint, limits, entries = []) =>
      execute(
        sql.begin(async (tx) => {
          // Additions run one after another, so they never exceed a limit. The lock does not block reads.
          await tx`lock table webhook_endpoints in share row exclusive mode`;
          const { owner, stream } = endpoint;
          const { count } = await tx`
            insert into webhook_endpoints (id, url, types, format, audience, contact, owner, stream, state, disabled_because,
              created_at, sealed_credentials, declared)
            select ${endpoint.id}::uuid, ${endpoint.url}, ${[...endpoint.types]}::text[], ${endpoint.format},
              ${endpoint.audience}, ${endpoint.contact}, ${owner}, ${toJson(stream)}::text::jsonb, ${endpoint.state},
              ${endpoint.disabledBecause}, ${new Date(endpoint.createdAt)}, ${endpoint.sealedCredentials},
              ${endpoint.declared}
            where (select count(*) from webhook_endpoints) < ${limits.total}
              and (
                ${owner}::text is null
                or (select count(*) from webhook_endpoints where owner = ${owner}) < ${limits.ofOwner}
              )
            on conflict (id) do nothing`;
          if (count === 1) for (const entry of entries) await insertEvent(tx, entry);
          return count === 1;
        }),
      ),

    async list() {
      const rows = await execute(sql<EndpointRow[]>`
        select ${sql(COLUMNS)} from webhook_endpoints order by created_at, id`);
      return rows.map(toEndpoint);
    },

    async find(id) {
      const rows = await execute(sql<EndpointRow[]>`
        select ${sql(COLUMNS)} from webhook_endpoints where id = ${id}`);
      return toEndpointOrNull(rows, id);
    },

    async change(expected, change, entries = [], notice = null) {
      const { id } = expected;
      const has = (name: keyof typeof change) => Object.hasOwn(change, name);
      const becomesEnabled = change.state === 'enabled';
      const update = (executor: Executor) => executor<EndpointRow[]>`
        with changed as (
          update webhook_endpoints set
            url = coalesce(${change.url ?? null}, url),
            types = coalesce(${change.types === undefined ? null : [...change.types]}::text[], types),
            state = coalesce(${change.state ?? null}, state),
            contact = case when ${has('contact')} then ${change.contact ?? null} else contact end,
            stream = case when ${has('stream')} then ${toJson(change.stream ?? null)}::text::jsonb else stream end,
            disabled_because = case when ${has('disabledBecause')} then ${change.disabledBecause ?? null}
              else disabled_because end,
            sealed_credentials = case when ${has('sealedCredentials')} then ${change.sealedCredentials ?? null}
              else sealed_credentials end,
            failing_since = case when ${becomesEnabled} then null else failing_since end,
            held_until = case when ${becomesEnabled} then null else held_until end,
            owner_told_at = case when ${has('state')} then null else owner_told_at end,
            contact_attempts = case when ${has('state')} then 0 else contact_attempts end,
            contact_due_at = case when ${has('state')} then null else contact_due_at end,
            contact_since = case when ${has('state')} then null else contact_since end
          where id = ${id} and ${hasValues(executor, expected)}
          returning ${executor(COLUMNS)}
        )${notice === null ? executor`` : notifySql(executor, id, notice)}
        select ${executor(COLUMNS)} from changed`;
      return toEndpointOrNull(await execute(changeAndRecord(sql, update, entries)), id);
    },

    async remove(id, entries = []) {
      const removal = (executor: Executor) => executor`delete from webhook_endpoints where id = ${id}`;
      const { count } = await execute(changeAndRecord(sql, removal, entries));
      return count === 1;
    },

    async recordHealth(id, { at, hasSucceeded, heldUntil }) {
      const held = heldUntil === null ? null : new Date(heldUntil);
      // A success writes nothing if the endpoint was healthy before, and no answer asked to wait.
      await execute(
        hasSucceeded
          ? sql`update webhook_endpoints set failing_since = null, held_until = greatest(held_until, ${held})
              where id = ${id} and (failing_since is not null or ${held}::timestamptz is not null)`
          : sql`update webhook_endpoints
              set failing_since = coalesce(failing_since, ${new Date(at)}), held_until = greatest(held_until, ${held})
              where id = ${id} and (failing_since is null or ${held}::timestamptz is not null)`,
      );
    },

    async claimNotifications(now, leasedUntil, limit) {
      const at = new Date(now);
      const rows = await execute(sql<NotificationRow[]>`
        update webhook_endpoints
        set contact_attempts = contact_attempts + 1, contact_since = coalesce(contact_since, ${at}),
          contact_due_at = ${new Date(leasedUntil)}
        where id in (
          select id from webhook_endpoints
          where state = 'disabled' and disabled_because in ('gone', 'dead') and contact is not null
            and owner_told_at is null and (contact_due_at is null or contact_due_at <= ${at})
          order by id
          limit ${limit}
          for update skip locked
        )
        returning id, url, contact, disabled_because as because, failing_since, contact_attempts as attempt,
          contact_since as since`);
      return rows.map(({ failing_since: failingSince, since, ...row }) => ({
        ...row,
        failingSince: failingSince?.getTime() ?? null,
        since: since.getTime(),
      }));
    },

    async postponeNotification(claim, dueAt) {
      await execute(sql`
        update webhook_endpoints set contact_due_at = ${new Date(dueAt)} where ${isClaimed(sql, claim)}`);
    },

    async endNotification(claim, at) {
      await execute(sql`
        update webhook_endpoints set owner_told_at = ${new Date(at)} where ${isClaimed(sql, claim)}`);
    },

    async listSealed(after, limit) {
      const rows = await execute(sql<{ id: string; sealed: string }[]>`
        select id, sealed_credentials as sealed from webhook_endpoints
        where sealed_credentials is not null and (${after}::uuid is null or id > ${after}::uuid)
        order by id
        limit ${limit}`);
      assertEach(rows, ({ sealed }) => typeof sealed === 'string');
      return [...rows];
    },

    async reseal({ id, sealed }, expected, entries = []) {
      const update = (executor: Executor) => executor`
        update webhook_endpoints set sealed_credentials = ${sealed}
        where id = ${id} and sealed_credentials = ${expected}`;
      const { count } = await execute(changeAndRecord(sql, update, entries));
      return count === 1;
    },
  };
}

/** Whether the row still has the values that changes replace, and has failed since the same time. */
function hasValues(executor: Executor, endpoint: WebhookEndpoint) {
  const { url, types, contact, stream, state, disabledBecause, sealedCredentials, failingSince } = endpoint;
  return executor`
    (url, types, contact, stream, state, disabled_because, sealed_credentials, failing_since)
    is not distinct from (${url}::text, ${[...types]}::text[], ${contact}::text, ${toJson(stream)}::text::jsonb,
      ${state}::text, ${disabledBecause}::text, ${sealedCredentials}::text,
      ${failingSince === null ? null : new Date(failingSince)}::timestamptz)`;
}

/** Adds a delivery of the notice to the endpoint if the endpoint was changed. */
function notifySql(executor: Executor, id: string, notice: DeliveredEvent) {
  return executor`, notified as (${insertDelivery(executor, id, notice)} where exists (select from changed))`;
}

function toJson(value: object | null): string | null {
  return value && JSON.stringify(value);
}

function toEndpointOrNull(rows: readonly EndpointRow[], id: string): WebhookEndpoint | null {
  const row = onlyRow(rows, (found) => isSameId(found.id, id));
  return row && toEndpoint(row);
}

function toEndpoint(row: EndpointRow): WebhookEndpoint {
  return {
    id: row.id,
    url: row.url,
    types: row.types,
    format: row.format,
    audience: row.audience,
    contact: row.contact,
    owner: row.owner,
    stream: row.stream,
    state: row.state,
    disabledBecause: row.disabled_because,
    createdAt: row.created_at.getTime(),
    failingSince: row.failing_since?.getTime() ?? null,
    sealedCredentials: row.sealed_credentials,
    declared: row.declared,
  };
}

/** Holds until another caller claims the endpoint, or its state changes. */
function isClaimed(sql: Sql, { id, attempt, since }: NotificationClaim) {
  return sql`id = ${id} and contact_attempts = ${attempt} and contact_since = ${new Date(since)}`;
}
