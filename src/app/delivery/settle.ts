import type { Outbox } from '../../ports/stores/outbox.ts';

/** Milliseconds before each further try to settle what was delivered. */
const PAUSES = [50, 250, 1_000];

/**
 * Takes delivered entries out of the outbox, and remembers those for which that failed: one that comes back because
 * of it is not delivered again by this process.
 */
export const settling = ({ outbox }: { readonly outbox: Outbox }) => {
  const unsettled = new Set<string>();

  return {
    wasDelivered: (id: string) => unsettled.has(id),

    /** Rejects with the last failure, after several. */
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
