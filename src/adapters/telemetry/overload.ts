import type { Log } from '../../ports/log.ts';
import type { Overload, ReadOverload } from '../../ports/overload.ts';

/** Times in milliseconds. */
export interface OverloadLimits {
  /** How late the event loop may come to its work. */
  readonly late: number;
  /** How long the database may keep a question waiting, */
  readonly unanswered: number;
  /** and how many may have waited for so long. A few do so because of a row that somebody holds. */
  readonly questions: number;
}

export const OVERLOAD_LIMITS: OverloadLimits = { late: 1_000, unanswered: 1_000, questions: 16 };

/** Milliseconds between two looks. */
const LOOK = 100;

interface Options {
  readonly limits: OverloadLimits;
  /** How many questions to the database have been without an answer for so many milliseconds. */
  unansweredFor(milliseconds: number): number;
  readonly log: Log;
}

/**
 * Watches whether the service gets to its work, until stopped. The event loop is under strain when it was late twice
 * in a row: once may be a pause of the whole machine, after which there is nothing to make up for.
 */
export function monitorOverload({ limits, unansweredFor, log }: Options): {
  ask: ReadOverload;
  stop(): void;
} {
  let strain: Overload | null = null;
  let lookedAt = performance.now();
  let timesLate = 0;

  const looking = setInterval(() => {
    const now = performance.now();
    timesLate = now - lookedAt - LOOK > limits.late ? timesLate + 1 : 0;
    lookedAt = now;
    tell(judge());
  }, LOOK).unref();

  return { ask: () => strain, stop: () => clearInterval(looking) };

  function judge(): Overload | null {
    if (timesLate > 1) return 'event_loop';
    return unansweredFor(limits.unanswered) >= limits.questions ? 'database' : null;
  }

  function tell(found: Overload | null): void {
    if (found !== null && strain === null) log.warn({ strain: found }, 'too much to do: new work is refused');
    if (found === null && strain !== null) log.info({ strain }, 'new work is taken on again');
    strain = found;
  }
}
