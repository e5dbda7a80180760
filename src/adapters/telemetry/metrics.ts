import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Overload } from '../../ports/overload.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import type { Samples } from './metrics/add-up.ts';
import { createBacklogGauges } from './metrics/backlog.ts';
import { createDeliveryCounter, createFailedRemovalCounter } from './metrics/deliveries.ts';
import { createDependencyGauge } from './metrics/dependencies.ts';
import { createInstruments } from './metrics/instruments.ts';
import { createRequestMetrics, type EndedRequest } from './metrics/requests.ts';
import { createSessionMetrics } from './metrics/sessions.ts';
import { createStoreCallMetrics, type StoreCalls } from './metrics/store-calls.ts';
import { createWebhookMetrics } from './metrics/webhooks.ts';

/** Functions that return the values of gauges and counters. They are called at each scrape. */
export interface ScrapedValues {
  readonly hashesRunning: () => number;
  readonly hashesWaiting: () => number;
  /** Whether this replica receives the revocations of other replicas. */
  readonly isFeedComplete: () => boolean;
  /** Open streams of revocations. */
  readonly revocationConsumers: () => number;
  /** Log lines that were dropped because standard output was blocked. */
  readonly droppedLines: () => number;
}

/** The metrics of one service. */
export interface Metrics {
  readonly telemetry: Telemetry;
  readonly storeCalls: StoreCalls;
  /** Counts a request that has ended. */
  requestEnded(request: EndedRequest): void;
  /** Counts a request that was refused because the service was overloaded. */
  shed(reason: Overload): void;
  /** Adds the values that are read at each scrape. Must be called once. */
  addReadings(values: ScrapedValues & Parameters<typeof createBacklogGauges>[1]): void;
  /** Adds the state of the connection to a dependency, which is read at each scrape. */
  addDependency(name: string, isUp: () => boolean): void;
  readonly contentType: string;
  /** All metrics in the text format of Prometheus. Does not reject if the database is unavailable. */
  scrape(): Promise<string>;
  /** The same metrics as plain data, to be combined with the metrics of other processes. */
  samples(): Promise<Samples>;
}

/** Creates the metrics of one service in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const make = createInstruments(registry);
  const shed = make.counter(
    'kinship_shed_requests_total',
    'Requests refused because the service was overloaded.',
    'reason',
  );
  for (const reason of ['event_loop', 'database']) shed.inc({ reason }, 0);
  const dependencies = new Map<string, () => boolean>();
  createDependencyGauge(make, dependencies);
  let updateBacklog = async () => {};

  return {
    telemetry: {
      ...createSessionMetrics(make),
      ...createWebhookMetrics(make),
      deliveryEnded: createDeliveryCounter(make),
      removalFailed: createFailedRemovalCounter(make),
    },
    storeCalls: createStoreCallMetrics(make),
    requestEnded: createRequestMetrics(make),
    shed: (reason) => shed.inc({ reason }),

    addReadings({
      hashesRunning,
      hashesWaiting,
      isFeedComplete,
      revocationConsumers,
      droppedLines,
      ...database
    }) {
      collectDefaultMetrics({ register: registry });
      make.reading(
        'kinship_password_hashes_running',
        'Password hashes that are being computed.',
        hashesRunning,
      );
      make.reading(
        'kinship_password_hashes_waiting',
        'Password hashes that wait for their turn.',
        hashesWaiting,
      );
      make.reading(
        'kinship_revocation_feed_complete',
        'Whether this replica receives revocations as they happen.',
        () => Number(isFeedComplete()),
        'min',
      );
      make.reading(
        'kinship_revocation_consumers',
        'Open streams of revocations (GET /revocations).',
        revocationConsumers,
      );
      make.total(
        'kinship_log_lines_dropped_total',
        'Log lines dropped because standard output was blocked.',
        droppedLines,
      );
      updateBacklog = createBacklogGauges(make, database);
    },

    addDependency: (name, isUp) => void dependencies.set(name, isUp),

    contentType: registry.contentType,
    async scrape() {
      await updateBacklog();
      return registry.metrics();
    },
    async samples() {
      await updateBacklog();
      return registry.getMetricsAsJSON();
    },
  };
}
