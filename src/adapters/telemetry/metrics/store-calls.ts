import { StoreUnavailable } from '../../../ports/stores/store-unavailable.ts';
import type { Instruments } from './instruments.ts';

/** What is asked of the database, and how long that takes. */
export interface StoreCalls {
  /** One question to a store of this name: a statement or a transaction, from asking to the answer. */
  follow<T>(store: string, ask: () => Promise<T>): Promise<T>;
  /** How many questions have been without an answer for so many milliseconds. */
  unansweredFor(milliseconds: number): number;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function countStoreCalls({ counter, histogram, reading }: Instruments): StoreCalls {
  const open = new Set<{ readonly since: number }>();
  const duration = histogram(
    'kinship_store_call_duration_seconds',
    'Time that a question to the database took, the wait for a connection included.',
    SECONDS,
    'store',
  );
  const failed = counter('kinship_store_calls_failed_total', 'Questions without an answer.', 'outcome');
  reading('kinship_store_calls_in_flight', 'Questions to the database under way.', () => open.size);
  for (const outcome of ['nothing', 'unknown', 'pending']) failed.inc({ outcome }, 0);

  return {
    async follow(store, ask) {
      const call = { since: performance.now() };
      open.add(call);
      try {
        return await ask();
      } catch (error) {
        failed.inc({ outcome: error instanceof StoreUnavailable ? error.outcome : 'fault' });
        throw error;
      } finally {
        open.delete(call);
        duration.observe({ store }, (performance.now() - call.since) / 1000);
      }
    },

    unansweredFor(milliseconds) {
      const before = performance.now() - milliseconds;
      let count = 0;
      for (const { since } of open) {
        if (since > before) break; // the oldest stand first
        count += 1;
      }
      return count;
    },
  };
}
