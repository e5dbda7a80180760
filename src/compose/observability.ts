import type { HttpOptions } from '../adapters/http/http.ts';
import type { Exposition } from '../adapters/http/operations/metrics.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import type { Metrics } from '../adapters/telemetry/metrics.ts';
import { monitorOverload, OVERLOAD_LIMITS, type OverloadLimits } from '../adapters/telemetry/overload.ts';
import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { FollowedRevokedFamilies } from '../ports/revoked-families.ts';
import type { Outbox } from '../ports/stores/outbox.ts';
import type { WebhookDeliveries } from '../ports/stores/webhook-deliveries.ts';

interface Options {
  readonly metrics: Metrics;
  /** The metrics of the whole service. */
  readonly exposition: Exposition;
  readonly outbox: Outbox;
  readonly webhookDeliveries: WebhookDeliveries;
  /** The numbers of running and waiting password hashes. */
  readonly hashing: { running(): number; waiting(): number };
  readonly revoked: Pick<FollowedRevokedFamilies, 'isComplete' | 'followers'>;
  readonly limits: Partial<OverloadLimits>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Starts load shedding and metrics. Call `stop` on shutdown. */
export function startObservability(
  { production, http, brokerUrl }: Pick<Config, 'production' | 'http' | 'brokerUrl'>,
  options: Options,
) {
  const { metrics, exposition, outbox, webhookDeliveries, hashing, revoked, clock, log } = options;
  metrics.addReadings({
    outbox,
    webhookDeliveries,
    publishesEvents: brokerUrl !== null,
    clock,
    hashesRunning: hashing.running,
    hashesWaiting: hashing.waiting,
    isFeedComplete: revoked.isComplete,
    revocationConsumers: revoked.followers,
    droppedLines: log.droppedLines,
  });
  const overload = monitorOverload({
    limits: { ...OVERLOAD_LIMITS, ...options.limits },
    unansweredFor: metrics.storeCalls.unansweredFor,
    log,
  });
  const access = production ? 'key' : 'open';
  return {
    stop: overload.stop,
    http: {
      readOverload: overload.read,
      onShed: metrics.shed,
      onRequestEnded: metrics.requestEnded,
      metrics: http.metricsPort === null ? { ...exposition, access } : null,
    } satisfies Partial<HttpOptions['observability']>,
    /** Rejects while the service is overloaded. */
    async checkCapacity(): Promise<void> {
      const reason = overload.read();
      if (reason !== null) throw new Error(`Overloaded: ${reason}.`);
    },
  };
}
