import type { DeferWork } from '../ports/defer-work.ts';
import type { Log } from '../ports/log.ts';
import type { Background } from './loop.ts';

/** Creates the function that starts deferred work, and `stop`, which waits until all of that work has ended. */
export function createDeferredWork(log: Log): Background & { readonly deferWork: DeferWork } {
  const running = new Set<Promise<void>>();

  return {
    deferWork(work, { userId, message }) {
      const ended = work()
        .catch((error: unknown) => log.error({ err: error, userId }, message))
        .finally(() => running.delete(ended));
      running.add(ended);
    },
    async stop() {
      await Promise.all(running);
    },
  };
}
