import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Overload } from '../../ports/overload.ts';
import type { Telemetry } from '../../ports/telemetry.ts';
import { readBacklog } from './metrics/backlog.ts';
import { countDeliveries, countFailedRemovals } from './metrics/deliveries.ts';
import { instruments } from './metrics/instruments.ts';
import { type Answered, countRequests } from './metrics/requests.ts';
import { countSessions } from './metrics/sessions.ts';
import { countStoreCalls, type StoreCalls } from './metrics/store-calls.ts';

/** What is read when somebody looks. */
export interface Readings {
  readonly hashesRunning: () => number;
  readonly hashesWaiting: () => number;
  /** Whether revocations of other replicas are heard of. */
  readonly isFeedComplete: () => boolean;
  /** Log lines that standard output did not take. */
  readonly droppedLines: () => number;
}

/** The metrics of one service. */
export interface Metrics {
  readonly telemetry: Telemetry;
  readonly storeCalls: StoreCalls;
  answered(request: Answered): void;
  shed(overload: Overload): void;
  /** From now on these are read at each scrape. */
  read(readings: Readings & Parameters<typeof readBacklog>[1]): void;
  readonly contentType: string;
  /** All of them in the text format of Prometheus. Never rejects for want of a reading. */
  scrape(): Promise<string>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const make = instruments(registry);
  const shed = make.counter(
    'kinship_shed_requests_total',
    'Requests refused because the service was overloaded.',
    'reason',
  );
  for (const reason of ['event_loop', 'database']) shed.inc({ reason }, 0);
  let readAsked = async () => {};

  return {
    telemetry: {
      ...countSessions(make),
      deliveryEnded: countDeliveries(make),
      removalFailed: countFailedRemovals(make),
    },
    storeCalls: countStoreCalls(make),
    answered: countRequests(make),
    shed: (reason) => shed.inc({ reason }),

    read({ hashesRunning, hashesWaiting, isFeedComplete, droppedLines, ...database }) {
      collectDefaultMetrics({ register: registry });
      make.reading('kinship_password_hashes_running', 'Password hashes being made.', hashesRunning);
      make.reading('kinship_password_hashes_waiting', 'Password hashes that wait.', hashesWaiting);
      make.reading(
        'kinship_revocation_feed_complete',
        'Whether revocations are heard of as they happen.',
        () => Number(isFeedComplete()),
      );
      make.total(
        'kinship_log_lines_dropped_total',
        'Log lines that standard output did not take.',
        droppedLines,
      );
      readAsked = readBacklog(make, database);
    },

    contentType: registry.contentType,
    async scrape() {
      await readAsked();
      return registry.metrics();
    },
  };
}
