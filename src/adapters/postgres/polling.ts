import { sleep } from '../../lib/time.ts';
import type { Sql } from './connect.ts';
import { execute, isUnanswered } from './execute.ts';
import { reconnect } from './reconnecting-pool.ts';
import { type Revocation, selectRevocations, toRevocations } from './revocations.ts';

/** Milliseconds. */
interface Intervals {
  /** Between two polls. */
  readonly poll: number;
  /** Between two reads of all revocations within the maximum age. */
  readonly fullRead: number;
}

const INTERVALS: Intervals = { poll: 200, fullRead: 60_000 };

/**
 * Milliseconds. Each poll reads older revocations again: a revocation may commit later than its `revoked_at`. The clock
 * skew is added, because another replica, whose clock may be behind, has set that time.
 */
const OVERLAP = 60_000;

interface Options {
  readonly pool: Sql;
  /** Milliseconds since the epoch. */
  clock(): number;
  /** Milliseconds. The access tokens of sessions that were revoked earlier have expired. */
  readonly maxAge: number;
  /** Milliseconds by which the clocks of two replicas may differ. */
  readonly clockSkew: number;
  onRevocation(revocation: Revocation): void;
  /** Called after the first read of all revocations. */
  onComplete(): void;
  /** Called at once when a poll fails or the polling is stopped. */
  onLost(): void;
  readonly stop: AbortSignal;
  readonly intervals?: Intervals;
}

/**
 * Polls revocations until a poll fails or `stop` is aborted, and resolves with the reason. A pooler in transaction mode
 * delivers no notifications, so revocations are polled. Rows that a poll reads again do not change the list.
 */
export async function pollRevocations(options: Options): Promise<unknown> {
  const { pool, clock, maxAge, clockSkew, onRevocation, onComplete, onLost, stop } = options;
  const intervals = options.intervals ?? INTERVALS;
  let fullReadAt = Number.NEGATIVE_INFINITY;
  try {
    while (!stop.aborted) {
      const isFullRead = performance.now() - fullReadAt >= intervals.fullRead;
      const startedAt = performance.now();
      const window = isFullRead ? maxAge : Math.min(OVERLAP + clockSkew, maxAge);
      const rows = await execute(selectRevocations(pool, clock() - window));
      for (const revocation of toRevocations(rows)) onRevocation(revocation);
      if (isFullRead) {
        if (fullReadAt === Number.NEGATIVE_INFINITY) onComplete();
        fullReadAt = startedAt;
      }
      await sleep(intervals.poll, stop);
    }
    onLost();
    return stop.reason;
  } catch (reason) {
    onLost();
    // After a crash of the database host its connections look open. No other check detects that.
    if (isUnanswered(reason)) reconnect(pool);
    return reason;
  }
}
