import type { ChangeOrigin } from '../../domain/audit.ts';
import { Refusal } from '../../domain/refusal.ts';
import type {
  DeliveryPeriod,
  DeliveryPosition,
  StoredDelivery,
} from '../../ports/stores/webhook-deliveries.ts';
import { cursorAt, readCursor } from '../time-cursor.ts';
import type { EndpointDeps } from './endpoint-deps.ts';
import { endpointEntry } from './endpoint-entry.ts';
import { requireEndpoint } from './manage-endpoints.ts';

export interface DeliveryPage {
  readonly items: readonly StoredDelivery[];
  /** The cursor of the next page; absent on the last page. */
  readonly nextCursor?: string;
}

export type ListDeliveries = (
  endpointId: string,
  limit: number,
  cursor: string | null,
) => Promise<DeliveryPage>;
export type SendDeliveryAgain = (endpointId: string, eventId: string, origin: ChangeOrigin) => Promise<void>;

/**
 * The result of sending a period again. `more`: the period may have further deliveries, from the time `next` (ISO 8601)
 * on.
 */
export interface SentAgain {
  readonly count: number;
  readonly more: boolean;
  readonly next?: string;
}

export type SendPeriodAgain = (
  endpointId: string,
  period: DeliveryPeriod,
  origin: ChangeOrigin,
) => Promise<SentAgain>;

type Deps = Pick<EndpointDeps, 'webhookEndpoints' | 'webhookDeliveries' | 'clock' | 'newId'>;

/**
 * The maximum number of deliveries that one request makes due again. So the request ends long before the statement
 * timeout.
 */
const SENT_AT_ONCE = 5_000;

/** Rejects with a {@link Refusal}: `not_found`, or `invalid_request` if the cursor is not valid. */
export const listDeliveries =
  (deps: Deps): ListDeliveries =>
  async (endpointId, limit, cursor) => {
    await requireEndpoint(deps, endpointId);
    const after = cursor === null ? null : positionOf(cursor);
    const found = await deps.webhookDeliveries.list(endpointId, limit + 1, after);
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return found.length > limit && last !== undefined ? { items, nextCursor: cursorOf(last) } : { items };
  };

/** Rejects with a {@link Refusal} `not_found`. */
export const sendDeliveryAgain =
  (deps: Deps): SendDeliveryAgain =>
  async (endpointId, eventId, origin) => {
    const facts = { eventId };
    const entry = endpointEntry(deps, { type: 'webhooks.sent_again', endpointId, origin, facts });
    if (!(await deps.webhookDeliveries.sendAgain(endpointId, eventId, deps.clock(), [entry])))
      throw new Refusal('not_found');
  };

/** Rejects with a {@link Refusal}: `not_found`, or `invalid_request` if the period ends before it begins. */
export const sendPeriodAgain =
  (deps: Deps): SendPeriodAgain =>
  async (endpointId, period, origin) => {
    if (!(period.from < period.to))
      throw new Refusal('invalid_request', 'The value of to must be later than that of from.');
    await requireEndpoint(deps, endpointId);
    const facts = { from: timeOf(period.from), to: timeOf(period.to) };
    const entry = endpointEntry(deps, { type: 'webhooks.sent_again', endpointId, origin, facts });
    const at = deps.clock();
    const sent = await deps.webhookDeliveries.sendPeriodAgain(endpointId, period, at, SENT_AT_ONCE, [entry]);
    const { count, latest } = sent;
    return count < SENT_AT_ONCE || latest === null
      ? { count, more: false }
      : { count, more: true, next: timeOf(latest) };
  };

function timeOf(time: number): string {
  return new Date(time).toISOString();
}

function positionOf(cursor: string): DeliveryPosition {
  const { time, id } = readCursor(cursor);
  return { occurredAt: time, eventId: id };
}

function cursorOf({ event }: StoredDelivery): string {
  return cursorAt({ time: event.occurredAt, id: event.id });
}
