import { StoreUnavailable } from '../../../ports/stores/store-unavailable.ts';
import type { Instruments } from './instruments.ts';

/** Measures the calls of the stores to the database. */
export interface StoreCalls {
  /** Runs and measures one call of a method of the named store. A call can send several statements. */
  measure<T>(store: string, call: () => Promise<T>): Promise<T>;
  /** The number of calls that have waited for their answer for at least this long. */
  unansweredFor(milliseconds: number): number;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createStoreCallMetrics({ counter, histogram, reading }: Instruments): StoreCalls {
  const open = new Set<{ readonly since: number }>();
  const duration = histogram(
    'kinship_store_call_duration_seconds',
    'Duration of a call to the database, including the wait for a connection.',
    SECONDS,
    'store',
  );
  const failed = counter('kinship_store_calls_failed_total', 'Calls to the database that failed.', 'outcome');
  reading('kinship_store_calls_in_flight', 'Running calls to the database.', () => open.size);
  for (const outcome of ['nothing', 'unknown', 'pending']) failed.inc({ outcome }, 0);

  return {
    async measure(store, call) {
      const entry = { since: performance.now() };
      open.add(entry);
      try {
        return await call();
      } catch (error) {
        failed.inc({ outcome: error instanceof StoreUnavailable ? error.outcome : 'fault' });
        throw error;
      } finally {
        open.delete(entry);
        duration.observe({ store }, (performance.now() - entry.since) / 1000);
      }
    },

    unansweredFor(milliseconds) {
      const before = performance.now() - milliseconds;
      let count = 0;
      for (const { since } of open) {
        if (since > before) break; // a set iterates in the order of insertion
        count += 1;
      }
      return count;
    },
  };
}
