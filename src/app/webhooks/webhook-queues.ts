import type { WebhookEndpoint } from '../../domain/webhooks.ts';
import { createOutage } from '../../lib/outage.ts';
import type { Log } from '../../ports/log.ts';
import type { DataSealer } from '../../ports/security/data-sealer.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { WebhookDeliveries } from '../../ports/stores/webhook-deliveries.ts';
import type { WebhookEndpoints } from '../../ports/stores/webhook-endpoints.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { reasonOf } from '../delivery/reason-of.ts';
import { type AttemptDeps, type AttemptResult, attemptDelivery } from './attempt-delivery.ts';
import { openCredentials } from './credentials.ts';
import { stateChange, type UpdateDeps, updateEndpoint } from './update-endpoint.ts';

export interface DeliverWebhooksDeps extends AttemptDeps, UpdateDeps {
  readonly webhookEndpoints: WebhookEndpoints;
  readonly webhookDeliveries: WebhookDeliveries;
  readonly sealer: DataSealer;
  readonly telemetry: Pick<Telemetry, 'webhookAttempted' | 'webhookDisabled'>;
  readonly log: Log;
}

export interface WebhookQueues {
  /** Starts the queue of each endpoint that has due deliveries and no running queue. Never waits for a delivery. */
  startDue(): Promise<void>;
  /** Waits for the running queues. Each ends after its current batch. */
  stop(): Promise<void>;
}

/**
 * Concurrent requests to one endpoint, and the lease in milliseconds. The lease is longer than an attempt, but short:
 * another process retries the deliveries of a killed process only after the lease.
 */
const BATCH = { limit: 20, lease: 15_000 };

/**
 * Delivers events to endpoints. Each endpoint has its own queue, so a slow endpoint does not delay the others. Delivery
 * is at least once. If the process ends before it records a response, the event is sent again with the same id.
 */
export const createWebhookQueues = (deps: DeliverWebhooksDeps): WebhookQueues => {
  const { webhookEndpoints: endpoints, webhookDeliveries: deliveries, sealer, clock, log, telemetry } = deps;
  const queues = new Map<string, Promise<void>>();
  const outage = createOutage();
  let isStopping = false;

  return {
    async startDue() {
      try {
        for (const id of await deliveries.listDueEndpoints(clock())) {
          if (isStopping || queues.has(id)) continue;
          queues.set(
            id,
            runQueue(id).finally(() => queues.delete(id)),
          );
        }
        outage.end();
      } catch (error) {
        noteOutage(error);
      }
    },

    async stop() {
      isStopping = true;
      await Promise.all(queues.values());
    },
  };

  /** Never rejects. */
  async function runQueue(id: string): Promise<void> {
    try {
      let count = BATCH.limit;
      while (!isStopping && count === BATCH.limit) count = await deliverBatch(id);
    } catch (error) {
      if (error instanceof StoreUnavailable) noteOutage(error);
      else log.error({ endpointId: id, err: error }, 'webhook deliveries stopped; trying again');
    }
  }

  /** Returns the number of claimed deliveries. */
  async function deliverBatch(id: string): Promise<number> {
    const endpoint = await endpoints.find(id);
    if (endpoint === null) return 0;
    const credentials = await openCredentials(sealer, endpoint).catch((error: Error) => error);
    const now = clock();
    const claimed = await deliveries.claim(id, now, now + BATCH.lease, BATCH.limit);
    const results = await Promise.all(
      claimed.map((delivery) => attemptDelivery(deps, endpoint, credentials, delivery)),
    );
    const attempts = results.filter((attempt) => attempt !== null);
    if (attempts.length === 0) return 0;
    for (const { telemetry: outcome, record } of attempts)
      telemetry.webhookAttempted(endpoint.format, outcome, record.milliseconds);
    await deliveries.record(
      id,
      attempts.map(({ delivery }) => delivery),
    );
    await recordHealth(endpoint, attempts);
    return claimed.length;
  }

  async function recordHealth(
    { id, failingSince }: WebhookEndpoint,
    attempts: readonly AttemptResult[],
  ): Promise<void> {
    const hasSucceeded = attempts.some(({ delivery }) => delivery.state === 'delivered');
    const holds = attempts.flatMap(({ heldUntil }) => heldUntil ?? []);
    const heldUntil = holds.length === 0 ? null : Math.max(...holds);
    await endpoints.recordHealth(id, { at: clock(), hasSucceeded, heldUntil });
    const failed = attempts.find(({ record }) => record.reason !== null);
    if (failed !== undefined && !hasSucceeded && failingSince === null)
      log.info(
        { endpointId: id, reason: failed.record.reason },
        'webhook endpoint fails; trying again later',
      );
    if (!attempts.some(({ isGone }) => isGone)) return;
    await disableGone(id);
  }

  /** A receiver that answered 410 gets no event about it. */
  async function disableGone(id: string): Promise<void> {
    const { isChanged } = await updateEndpoint(deps, {
      read: () => endpoints.find(id),
      decide: (endpoint) =>
        endpoint.state === 'enabled'
          ? stateChange(endpoint, 'disabled', 'gone', 'The endpoint answered 410 Gone.')
          : {},
      origin: null,
      notifiesReceiver: false,
    });
    if (!isChanged) return;
    telemetry.webhookDisabled('gone');
    log.warn({ endpointId: id }, 'webhook endpoint disabled: it answered 410 Gone');
  }

  function noteOutage(error: unknown): void {
    if (!(error instanceof StoreUnavailable)) throw error;
    outage.begin(() => log.warn({ reason: reasonOf(error) }, 'database unavailable; webhooks wait'));
  }
};
