import type { Log } from '../../ports/log.ts';
import type { Overload, ReadOverload } from '../../ports/overload.ts';

export interface OverloadLimits {
  /** Milliseconds. A check of the event loop that is delayed by more than this is late. */
  readonly eventLoopDelay: number;
  /** Milliseconds. A store call that waits at least this long for its answer is unanswered. */
  readonly storeCallAge: number;
  /** The number of unanswered store calls that means overload. A few calls may just wait for a locked row. */
  readonly storeCalls: number;
}

export const OVERLOAD_LIMITS: OverloadLimits = { eventLoopDelay: 1_000, storeCallAge: 1_000, storeCalls: 16 };

/** Milliseconds between two checks. */
const CHECK_INTERVAL = 100;

interface Options {
  readonly limits: OverloadLimits;
  /** The number of store calls that have been unanswered for this many milliseconds. */
  unansweredFor(milliseconds: number): number;
  readonly log: Log;
}

/**
 * Monitors whether the service is overloaded. Two late checks in a row mean that the event loop is overloaded. After
 * a single late check the state does not change, because the whole machine may have paused.
 */
export function monitorOverload({ limits, unansweredFor, log }: Options): {
  read: ReadOverload;
  stop(): void;
} {
  let current: Overload | null = null;
  let checkedAt = performance.now();
  let timesLate = 0;

  const timer = setInterval(() => {
    const now = performance.now();
    timesLate = now - checkedAt - CHECK_INTERVAL > limits.eventLoopDelay ? timesLate + 1 : 0;
    checkedAt = now;
    update(findOverload());
  }, CHECK_INTERVAL).unref();

  return { read: () => current, stop: () => clearInterval(timer) };

  function findOverload(): Overload | null {
    if (timesLate > 1) return 'event_loop';
    // After a pause, answers of the database may have arrived without having been read.
    if (timesLate > 0) return current;
    return unansweredFor(limits.storeCallAge) >= limits.storeCalls ? 'database' : null;
  }

  function update(found: Overload | null): void {
    if (found !== null && current === null)
      log.warn({ overload: found }, 'overloaded; new requests are refused');
    if (found === null && current !== null) log.info({ overload: current }, 'no longer overloaded');
    current = found;
  }
}
