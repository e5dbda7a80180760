import type { Logger } from '../adapters/telemetry/log.ts';
import { StoreUnavailable } from '../ports/stores/store-unavailable.ts';

/** Work in the background; `stop` waits for the round under way. */
export interface Background {
  stop(): Promise<void>;
}

/**
 * Runs the task again and again: after a breath while it reports work done, else after a pause (milliseconds). A
 * round that fails is logged, and the next one comes all the same.
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
      const done = await round();
      await sleepUnless(stopping.signal, done === 0 ? pause : busyDelay);
    }
  }

  async function round(): Promise<number> {
    try {
      return await task();
    } catch (error) {
      if (error instanceof StoreUnavailable) log.warn({ err: error }, 'background work waits for its store');
      else log.error({ err: error }, 'background work failed');
      return 0;
    }
  }
}

function sleepUnless(signal: AbortSignal, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', end, { once: true });
  });
}
