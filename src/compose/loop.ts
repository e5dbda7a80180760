import type { Logger } from '../adapters/telemetry/log.ts';
import { sleep } from '../lib/time.ts';
import { StoreUnavailable } from '../ports/stores/store-unavailable.ts';

/** Background work. `stop` waits until the current round has ended. */
export interface Background {
  stop(): Promise<void>;
}

/**
 * Runs the task repeatedly. The task returns the amount of work that it did. The next round starts after `busyDelay` if
 * the task did work, otherwise after `pause` (milliseconds). A failed round is logged and counts as no work.
 */
export function startLoop(
  pause: number,
  task: () => Promise<number>,
  log: Logger,
  { busyDelay = 0 }: { readonly busyDelay?: number } = {},
): Background {
  const stopping = new AbortController();
  const running = loop();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const done = await runOnce();
      await sleep(done === 0 ? pause : busyDelay, stopping.signal);
    }
  }

  async function runOnce(): Promise<number> {
    try {
      return await task();
    } catch (error) {
      if (error instanceof StoreUnavailable)
        log.warn({ err: error }, 'database unavailable; background work continues later');
      else log.error({ err: error }, 'background work failed');
      return 0;
    }
  }
}
