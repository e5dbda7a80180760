import { isDeepStrictEqual } from 'node:util';
import { STREAM_UPDATED } from '../../../src/domain/streams.ts';
import { type WebhookEndpoint, wantsType } from '../../../src/domain/webhooks.ts';
import type {
  DeliveryPosition,
  StoredDelivery,
  WebhookDeliveries,
} from '../../../src/ports/stores/webhook-deliveries.ts';
import type {
  ClaimedNotification,
  NotificationClaim,
  WebhookEndpoints,
} from '../../../src/ports/stores/webhook-endpoints.ts';
import { type Records, recordAbout, type StoredEntry } from './stored-entry.ts';

interface Endpoint extends WebhookEndpoint {
  readonly heldUntil: number | null;
  readonly notification: Notification;
}

interface Notification {
  readonly isEnded: boolean;
  readonly attempts: number;
  readonly since: number | null;
  readonly dueAt: number;
}

const NO_NOTIFICATION: Notification = {
  isEnded: false,
  attempts: 0,
  since: null,
  dueAt: Number.NEGATIVE_INFINITY,
};

type Delivery = StoredDelivery & {
  readonly endpointId: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** Endpoints and deliveries in memory. `record` must be called for each outbox entry that is recorded. */
export function createMemoryWebhooks(records: Records = { outbox: new Map(), audit: new Map() }): {
  webhookEndpoints: WebhookEndpoints;
  webhookDeliveries: WebhookDeliveries;
  record(entry: StoredEntry): void;
} {
  const endpoints = new Map<string, Endpoint>();
  const deliveries = new Map<string, Delivery>();
  return {
    webhookEndpoints: createEndpoints(endpoints, deliveries, records),
    webhookDeliveries: createDeliveries(endpoints, deliveries, records),
    record({ id, kind, event }) {
      if (kind !== 'event') return;
      for (const endpoint of endpoints.values())
        if (endpoint.state !== 'disabled' && wantsType(endpoint.types, event.type))
          put(deliveries, endpoint.id, { id, ...structuredClone(event) });
    },
  };
}

function createEndpoints(
  endpoints: Map<string, Endpoint>,
  deliveries: Map<string, Delivery>,
  records: Records,
): WebhookEndpoints {
  const change = (id: string, values: Partial<Endpoint>) => {
    const endpoint = endpoints.get(id);
    if (endpoint !== undefined) endpoints.set(id, { ...endpoint, ...values });
  };
  const changeNotification = (id: string, values: Partial<Notification>) => {
    const endpoint = endpoints.get(id);
    if (endpoint !== undefined) change(id, { notification: { ...endpoint.notification, ...values } });
  };
  const changeClaimed = ({ id, attempt, since }: NotificationClaim, values: Partial<Notification>) => {
    const notification = endpoints.get(id)?.notification;
    if (notification?.attempts === attempt && notification.since === since) changeNotification(id, values);
  };
  const sortEndpoints = () => [...endpoints.values()].sort((one, other) => one.createdAt - other.createdAt);

  return {
    async add(endpoint, limits, entries = []) {
      const own = [...endpoints.values()].filter(({ owner }) => owner !== null && owner === endpoint.owner);
      if (endpoints.has(endpoint.id) || endpoints.size >= limits.total || own.length >= limits.ofOwner)
        return false;
      endpoints.set(endpoint.id, {
        ...structuredClone(endpoint),
        heldUntil: null,
        notification: NO_NOTIFICATION,
      });
      recordAbout(records, null, entries);
      return true;
    },
    list: async () => sortEndpoints().map(toEndpoint),
    async find(id) {
      const endpoint = endpoints.get(id);
      return endpoint === undefined ? null : toEndpoint(endpoint);
    },
    async change(expected, values, entries = [], notice = null) {
      const stored = endpoints.get(expected.id);
      if (stored === undefined || !isDeepStrictEqual(toEndpoint(stored), expected)) return null;
      if (notice !== null) put(deliveries, stored.id, structuredClone(notice));
      const changed = {
        ...{ ...stored, ...values },
        ...(values.state === 'enabled' && { failingSince: null, heldUntil: null }),
        ...(values.state !== undefined && { notification: NO_NOTIFICATION }),
      };
      endpoints.set(changed.id, changed);
      recordAbout(records, null, entries);
      return toEndpoint(changed);
    },
    async remove(id, entries = []) {
      const isRemoved = endpoints.delete(id);
      if (isRemoved) recordAbout(records, null, entries);
      return isRemoved;
    },
    async recordHealth(id, { at, hasSucceeded, heldUntil }) {
      const endpoint = endpoints.get(id);
      if (endpoint === undefined) return;
      const failingSince = hasSucceeded ? null : (endpoint.failingSince ?? at);
      change(id, { failingSince, heldUntil: laterOf(endpoint.heldUntil, heldUntil) });
    },
    async claimNotifications(now, leasedUntil, limit) {
      return sortEndpoints()
        .flatMap((endpoint) => toNotification(endpoint, now) ?? [])
        .slice(0, limit)
        .map((claimed) => {
          const { id, attempt: attempts, since } = claimed;
          changeNotification(id, { attempts, since, dueAt: leasedUntil });
          return claimed;
        });
    },
    postponeNotification: async (claim, dueAt) => changeClaimed(claim, { dueAt }),
    endNotification: async (claim) => changeClaimed(claim, { isEnded: true }),
    async listSealed(after, limit) {
      return [...endpoints.values()]
        .flatMap(({ id, sealedCredentials: sealed }) => (sealed === null ? [] : [{ id, sealed }]))
        .filter(({ id }) => after === null || id > after)
        .sort((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, limit);
    },
    async reseal({ id, sealed }, expected, entries = []) {
      if (endpoints.get(id)?.sealedCredentials !== expected) return false;
      change(id, { sealedCredentials: sealed });
      recordAbout(records, null, entries);
      return true;
    },
  };
}

/** The next attempt to notify the contact of an endpoint; null if none is due. */
function toNotification(endpoint: Endpoint, now: number): ClaimedNotification | null {
  const { id, url, contact, state, disabledBecause: because, failingSince, notification } = endpoint;
  const { isEnded, dueAt, attempts, since } = notification;
  if (state !== 'disabled' || (because !== 'gone' && because !== 'dead') || contact === null) return null;
  if (isEnded || dueAt > now) return null;
  return { id, url, contact, because, failingSince, attempt: attempts + 1, since: since ?? now };
}

/** The later of two times, of which each may be absent. */
function laterOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

function toEndpoint({ heldUntil, notification, ...endpoint }: Endpoint): WebhookEndpoint {
  return structuredClone(endpoint);
}

function createDeliveries(
  endpoints: ReadonlyMap<string, Endpoint>,
  deliveries: Map<string, Delivery>,
  records: Records,
): WebhookDeliveries {
  const mayBeSent = ({ endpointId, event }: Delivery, now: number) => {
    const endpoint = endpoints.get(endpointId);
    if (endpoint === undefined || (endpoint.heldUntil ?? now) > now) return false;
    return endpoint.state === 'enabled' || event.type === STREAM_UPDATED;
  };
  const listDue = (now: number) =>
    [...deliveries.values()]
      .filter((delivery) => delivery.state === 'pending' && delivery.dueAt <= now && mayBeSent(delivery, now))
      .sort((one, other) => one.dueAt - other.dueAt);
  const change = (delivery: Delivery, values: Partial<Delivery>) =>
    void deliveries.set(keyOf(delivery.endpointId, delivery.event.id), { ...delivery, ...values });
  const asPending = (at: number) => ({ state: 'pending', attempts: 0, dueAt: at }) as const;

  return {
    listDueEndpoints: async (now) => [...new Set(listDue(now).map(({ endpointId }) => endpointId))],
    async claim(endpointId, now, leasedUntil, limit) {
      const claimed = listDue(now)
        .filter((delivery) => delivery.endpointId === endpointId)
        .slice(0, limit);
      for (const delivery of claimed)
        change(delivery, { attempts: delivery.attempts + 1, dueAt: leasedUntil });
      return claimed
        .map(({ event, data, attempts, history }) => ({
          event: { ...event, data },
          attempt: attempts + 1,
          history,
          trace: null,
        }))
        .sort((one, other) => one.event.occurredAt - other.event.occurredAt);
    },
    async record(endpointId, outcomes) {
      for (const { eventId, ...outcome } of outcomes) {
        const delivery = deliveries.get(keyOf(endpointId, eventId));
        if (delivery !== undefined && delivery.state !== 'delivered') change(delivery, outcome);
      }
    },
    add: async (endpointId, event) => put(deliveries, endpointId, structuredClone(event)),
    async list(endpointId, limit, after) {
      return [...deliveries.values()]
        .filter((delivery) => delivery.endpointId === endpointId)
        .sort((one, other) => newestFirst(positionOf(one), positionOf(other)))
        .filter((delivery) => after === null || newestFirst(after, positionOf(delivery)) < 0)
        .slice(0, limit)
        .map(({ endpointId: _endpoint, data: _data, ...delivery }) => structuredClone(delivery));
    },
    async sendAgain(endpointId, eventId, at, entries = []) {
      const delivery = deliveries.get(keyOf(endpointId, eventId));
      if (delivery === undefined) return false;
      change(delivery, asPending(at));
      recordAbout(records, null, entries);
      return true;
    },
    async sendPeriodAgain(endpointId, { from, to, onlyFailed }, at, limit, entries = []) {
      const states = onlyFailed ? ['failed'] : ['failed', 'delivered'];
      const chosen = [...deliveries.values()]
        .filter((delivery) => delivery.endpointId === endpointId && states.includes(delivery.state))
        .filter(({ event }) => event.occurredAt >= from && event.occurredAt < to)
        .sort((one, other) => one.event.occurredAt - other.event.occurredAt)
        .slice(0, limit);
      for (const delivery of chosen) change(delivery, asPending(at));
      if (chosen.length > 0) recordAbout(records, null, entries);
      return { count: chosen.length, latest: chosen.at(-1)?.event.occurredAt ?? null };
    },
    async forget(before, limit) {
      const old = [...deliveries].filter(([, { event }]) => event.occurredAt < before).slice(0, limit);
      for (const [key] of old) deliveries.delete(key);
      return old.length;
    },
    async forgetRemoved(endpointId, limit) {
      if (endpoints.has(endpointId)) return 0;
      const left = [...deliveries].filter(([, one]) => one.endpointId === endpointId).slice(0, limit);
      for (const [key] of left) deliveries.delete(key);
      return left.length;
    },
    async backlog(now) {
      const waiting = [...deliveries.values()].filter(
        ({ state, endpointId }) => state === 'pending' && endpoints.get(endpointId)?.state === 'enabled',
      );
      const times = waiting.map(({ dueAt }) => dueAt).filter((dueAt) => dueAt <= now);
      return { pending: waiting.length, oldestDueAt: times.length === 0 ? null : Math.min(...times) };
    },
  };
}

function put(
  deliveries: Map<string, Delivery>,
  endpointId: string,
  { data, ...event }: StoredDelivery['event'] & { readonly data: object },
): void {
  const key = keyOf(endpointId, event.id);
  if (deliveries.has(key)) throw new Error('the delivery exists');
  const stored = { state: 'pending', attempts: 0, dueAt: event.occurredAt, history: [] } as const;
  deliveries.set(key, { ...stored, endpointId, event, data: { ...data } });
}

function keyOf(endpointId: string, eventId: string): string {
  return `${endpointId} ${eventId}`;
}

function positionOf({ event }: StoredDelivery): DeliveryPosition {
  return { occurredAt: event.occurredAt, eventId: event.id };
}

function newestFirst(one: DeliveryPosition, other: DeliveryPosition): number {
  return other.occurredAt - one.occurredAt || other.eventId.localeCompare(one.eventId, 'en');
}
