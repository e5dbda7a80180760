import type { Outbox } from '../../ports/stores/outbox.ts';

/** Milliseconds before each further attempt to settle delivered entries. */
const PAUSES = [50, 250, 1_000];

/**
 * Removes delivered entries from the outbox, and remembers the entries whose removal failed. This process does not
 * deliver them again when it claims them again.
 */
export const settling = ({ outbox }: { readonly outbox: Outbox }) => {
  const unsettled = new Set<string>();

  return {
    wasDelivered: (id: string) => unsettled.has(id),

    /** Rejects with the last error after all attempts have failed. */
    async settle(ids: readonly string[]): Promise<void> {
      for (const id of ids) unsettled.add(id);
      await stubbornly(() => outbox.settle(ids));
      for (const id of ids) unsettled.delete(id);
    },
  };
};

async function stubbornly(task: () => Promise<void>): Promise<void> {
  for (const pause of PAUSES) {
    try {
      return await task();
    } catch {
      await sleep(pause);
    }
  }
  return task();
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
