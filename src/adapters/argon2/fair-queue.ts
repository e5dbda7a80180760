import { Refusal } from '../../domain/refusal.ts';

/**
 * Runs the work when it is the turn of the network. Rejects with a {@link Refusal} `unavailable` if too much work
 * waits.
 */
export type FairQueue = <T>(network: string, work: () => Promise<T>) => Promise<T>;

/** How many pieces of work run, and how many wait. */
export interface QueueCounts {
  running(): number;
  waiting(): number;
}

interface QueueLimits {
  /** The maximum number of pieces of work that run at the same time. */
  readonly maxRunning: number;
  /** The maximum number of pieces of work that wait, over all networks. */
  readonly maxWaiting: number;
  /** The maximum number of pieces of work of one network that wait. */
  readonly maxWaitingOfNetwork?: number;
}

/**
 * Creates a queue that limits concurrent work, because the work shares the thread pool with signing. Each network has
 * its own queue, and the networks take turns. So a network with many requests delays its own requests only.
 */
export function createFairQueue({
  maxRunning,
  maxWaiting,
  maxWaitingOfNetwork = maxWaiting,
}: QueueLimits): FairQueue & QueueCounts {
  /** The queues by network, in the order of their next turns. No queue in the map is empty. */
  const queues = new Map<string, (() => void)[]>();
  let running = 0;
  let waiting = 0;

  return Object.assign(runInTurn, { running: () => running, waiting: () => waiting });

  async function runInTurn<T>(network: string, work: () => Promise<T>): Promise<T> {
    await waitForTurn(network);
    try {
      return await work();
    } finally {
      if (waiting === 0) running -= 1;
      else startNext();
    }
  }

  async function waitForTurn(network: string): Promise<void> {
    if (running < maxRunning) {
      running += 1;
      return;
    }
    const own = queues.get(network) ?? [];
    if (waiting >= maxWaiting || own.length >= maxWaitingOfNetwork)
      throw new Refusal('unavailable', undefined, {
        cause: new Error('too many password hashes are waiting'),
      });
    queues.set(network, own);
    waiting += 1;
    await new Promise<void>((resolve) => own.push(resolve));
  }

  function startNext(): void {
    for (const [network, own] of queues) {
      queues.delete(network);
      const start = own.shift();
      if (own.length > 0) queues.set(network, own); // to the end of the order
      waiting -= 1;
      start?.();
      return;
    }
  }
}
