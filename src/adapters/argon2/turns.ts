import { Refusal } from '../../domain/refusal.ts';

/** Runs the work when the turn of its network comes. Rejects with a {@link Refusal} `unavailable` when too much waits. */
export type Turns = <T>(network: string, work: () => Promise<T>) => Promise<T>;

/** How much is under way, and how much waits for its turn. */
export interface TurnsTaken {
  running(): number;
  waiting(): number;
}

interface TurnLimits {
  readonly atOnce: number;
  /** The most that may wait, over all networks. */
  readonly queue: number;
  /** The most of one network that may wait. */
  readonly queueOfNetwork?: number;
}

/**
 * At most `atOnce` pieces of work run at a time, since they share the thread pool with signing. The rest wait in one
 * queue per network, and the networks take turns: a network with many requests delays its own requests only.
 */
export function createTurns({ atOnce, queue, queueOfNetwork = queue }: TurnLimits): Turns & TurnsTaken {
  /** In the order in which the networks have their next turn. No queue in it is empty. */
  const queues = new Map<string, (() => void)[]>();
  let running = 0;
  let waiting = 0;

  return Object.assign(inTurn, { running: () => running, waiting: () => waiting });

  async function inTurn<T>(network: string, work: () => Promise<T>): Promise<T> {
    await turn(network);
    try {
      return await work();
    } finally {
      if (waiting === 0) running -= 1;
      else startNext();
    }
  }

  async function turn(network: string): Promise<void> {
    if (running < atOnce) {
      running += 1;
      return;
    }
    const own = queues.get(network) ?? [];
    if (waiting >= queue || own.length >= queueOfNetwork)
      throw new Refusal('unavailable', undefined, { cause: new Error('too many hashes wait') });
    queues.set(network, own);
    waiting += 1;
    await new Promise<void>((resolve) => own.push(resolve));
  }

  function startNext(): void {
    for (const [network, own] of queues) {
      queues.delete(network);
      const start = own.shift();
      if (own.length > 0) queues.set(network, own); // behind the others
      waiting -= 1;
      start?.();
      return;
    }
  }
}
