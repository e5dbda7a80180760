import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from './client.ts';

export interface Load {
  /** Resolves when every client has the answer to its last request. */
  stop(): Promise<void>;
}

/** After this number of rotations, a client repeats its last refresh. */
const REPEAT_EVERY = 10;

/** Lets every client refresh repeatedly, with a pause of up to `pause` milliseconds. */
export function startLoad(
  clients: readonly Client[],
  { pause = 20 }: { readonly pause?: number } = {},
): Load {
  const stopping = new AbortController();
  const running = Promise.all(clients.map(keepRefreshing));
  running.catch(() => {}); // `stop` rejects with the error
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };

  async function keepRefreshing(client: Client): Promise<void> {
    for (let round = 1; !stopping.signal.aborted && client.logoutReason() === null; round += 1) {
      await client.rotate();
      if (round % REPEAT_EVERY === 0) await client.repeat();
      await delay(Math.random() * pause);
    }
  }
}

/** The totals of the histories of all clients. */
export function totals(clients: readonly Client[]) {
  const attempts = clients.flatMap(({ history }) => history);
  return {
    rotations: clients.reduce((sum, client) => sum + client.generation(), 0),
    unknown: attempts.filter(({ outcome }) => outcome === 'unknown').length,
    forcedLogouts: clients.filter((client) => client.logoutReason() !== null).length,
  };
}

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
