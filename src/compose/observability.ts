import type { HttpOptions } from '../adapters/http/http.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import type { Metrics } from '../adapters/telemetry/metrics.ts';
import { monitorOverload, OVERLOAD_LIMITS, type OverloadLimits } from '../adapters/telemetry/overload.ts';
import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import type { RevokedFamilies } from '../ports/revoked-families.ts';
import type { Outbox } from '../ports/stores/outbox.ts';

interface Options {
  readonly metrics: Metrics;
  readonly outbox: Outbox;
  /** What makes password hashes. */
  readonly hashing: { running(): number; waiting(): number };
  readonly revoked: Pick<RevokedFamilies, 'isComplete'>;
  readonly limits: Partial<OverloadLimits>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The service's eye on itself, until stopped: what it cannot take on it refuses, and what it does is counted, for
 * whoever may see that.
 */
export function startObservability(
  { production, http }: Pick<Config, 'production' | 'http'>,
  options: Options,
) {
  const { metrics, outbox, hashing, revoked, clock, log } = options;
  metrics.read({
    outbox,
    clock,
    hashesRunning: hashing.running,
    hashesWaiting: hashing.waiting,
    isFeedComplete: revoked.isComplete,
    droppedLines: log.droppedLines,
  });
  const pressure = monitorOverload({
    limits: { ...OVERLOAD_LIMITS, ...options.limits },
    unansweredFor: metrics.storeCalls.unansweredFor,
    log,
  });
  const access = production ? 'key' : 'open';
  return {
    stop: pressure.stop,
    http: {
      pressure: pressure.ask,
      onShed: metrics.shed,
      onAnswered: metrics.answered,
      metrics: http.metricsPort === null ? { ...metrics, access } : null,
    } satisfies Partial<HttpOptions>,
    /** Rejects while new work is refused. */
    async checkCapacity(): Promise<void> {
      const strain = pressure.ask();
      if (strain !== null) throw new Error(`Under strain: ${strain}.`);
    },
  };
}
