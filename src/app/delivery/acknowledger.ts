import { sleep } from '../../lib/time.ts';
import type { Outbox } from '../../ports/stores/outbox.ts';

/** Milliseconds before each further attempt to remove delivered entries. */
const PAUSES = [50, 250, 1_000];

/**
 * Removes delivered entries from the outbox, and remembers the entries whose removal failed. If this process claims
 * such an entry again, `wasDelivered` prevents a second delivery.
 */
export const createAcknowledger = ({ outbox }: { readonly outbox: Outbox }) => {
  const unacknowledged = new Set<string>();

  return {
    wasDelivered: (id: string) => unacknowledged.has(id),

    /** Rejects with the last error after all attempts have failed. */
    async acknowledge(ids: readonly string[]): Promise<void> {
      for (const id of ids) unacknowledged.add(id);
      await withRetries(() => outbox.acknowledge(ids));
      for (const id of ids) unacknowledged.delete(id);
    },
  };
};

async function withRetries(task: () => Promise<void>): Promise<void> {
  for (const pause of PAUSES) {
    try {
      return await task();
    } catch {
      await sleep(pause);
    }
  }
  return task();
}
