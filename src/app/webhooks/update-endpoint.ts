import type { ChangeOrigin } from '../../domain/audit.ts';
import { Refusal } from '../../domain/refusal.ts';
import { STREAM_UPDATED } from '../../domain/streams.ts';
import type { DisabledReason, EndpointState, WebhookEndpoint } from '../../domain/webhooks.ts';
import type { Clock } from '../../ports/clock.ts';
import type { NewId } from '../../ports/new-id.ts';
import type { DeliveredEvent } from '../../ports/stores/webhook-deliveries.ts';
import type { EndpointChange, WebhookEndpoints } from '../../ports/stores/webhook-endpoints.ts';
import { endpointChangeEntry } from './endpoint-entry.ts';

export interface UpdateDeps {
  readonly webhookEndpoints: Pick<WebhookEndpoints, 'change'>;
  readonly newId: NewId;
  readonly clock: Clock;
}

interface Update<Found extends WebhookEndpoint> {
  /** Returns the stored endpoint; null if it does not exist. */
  readonly read: () => Promise<Found | null>;
  /** Returns the values that the endpoint gets. May refuse. */
  readonly decide: (endpoint: Found) => EndpointChange | Promise<EndpointChange>;
  /** Who makes the change; null: the change is not recorded in the audit log. */
  readonly origin: ChangeOrigin | null;
  /** Whether the receiver of a stream gets an event about a new state (SSF 1.0 section 8.1.5). */
  readonly notifiesReceiver: boolean;
}

interface UpdateResult {
  /** Null if the endpoint does not exist. */
  readonly endpoint: WebhookEndpoint | null;
  readonly isChanged: boolean;
}

/** The update is tried up to five times: another request can change the endpoint after it was read. */
const ATTEMPTS = 5;

/**
 * Changes an endpoint according to its stored values. Values that are stored already are not written and not recorded.
 * Rejects with a {@link Refusal} `unavailable` if other requests change the endpoint at each attempt.
 */
export async function updateEndpoint<Found extends WebhookEndpoint>(
  deps: UpdateDeps,
  update: Update<Found>,
): Promise<UpdateResult> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const endpoint = await update.read();
    if (endpoint === null) return { endpoint, isChanged: false };
    const change = onlyDifferent(endpoint, await update.decide(endpoint));
    if (Object.keys(change).length === 0) return { endpoint, isChanged: false };
    const { origin, notifiesReceiver } = update;
    const entries = origin === null ? [] : [endpointChangeEntry(deps, endpoint.id, change, origin)];
    const notice = notifiesReceiver ? streamUpdated(deps, endpoint, change) : null;
    const changed = await deps.webhookEndpoints.change(endpoint, change, entries, notice);
    if (changed !== null) return { endpoint: changed, isChanged: true };
  }
  throw new Refusal('unavailable');
}

/** The change to a state that this service or an operator decides. The receiver of a stream reads the reason. */
export function stateChange(
  endpoint: WebhookEndpoint,
  state: EndpointState,
  disabledBecause: DisabledReason | null,
  statusReason: string,
): EndpointChange {
  const { stream } = endpoint;
  const isSame = endpoint.state === state && endpoint.disabledBecause === disabledBecause;
  return {
    state,
    disabledBecause,
    ...(stream !== null && !isSame && { stream: { ...stream, statusReason } }),
  };
}

/** The part of a change that differs from the endpoint. */
function onlyDifferent(endpoint: WebhookEndpoint, change: EndpointChange): EndpointChange {
  const differs = (name: keyof EndpointChange) => !isSame(endpoint[name], change[name]);
  // An endpoint that is enabled again forgets its failures.
  const forgetsFailures = change.state === 'enabled' && endpoint.failingSince !== null;
  const isNewState = differs('state') || differs('disabledBecause') || forgetsFailures;
  const { state, disabledBecause, ...others } = change;
  const names = (Object.keys(others) as (keyof typeof others)[]).filter(differs);
  return {
    ...Object.fromEntries(names.map((name) => [name, others[name]])),
    ...(isNewState && state !== undefined && { state, disabledBecause: disabledBecause ?? null }),
  };
}

/** The stream of a change is made from the stored stream, so the keys of both have the same order. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The event about the new state of a stream; null for another endpoint, or if the state stays. */
function streamUpdated(
  { newId, clock }: UpdateDeps,
  { owner, state: former }: WebhookEndpoint,
  { state, stream }: EndpointChange,
): DeliveredEvent | null {
  if (owner === null || state === undefined || state === former) return null;
  const data = { status: state, reason: stream?.statusReason };
  return { id: newId(), type: STREAM_UPDATED, occurredAt: clock(), data };
}
