import { setTimeout as delay } from 'node:timers/promises';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { reconnect } from './reconnecting-pool.ts';
import { type Revocation, selectRevocations, toRevocations } from './revocations.ts';

/** Milliseconds. */
interface Times {
  /** Between two polls. */
  readonly pollEvery: number;
  /** Between two reads of all that is worth knowing. */
  readonly wholeEvery: number;
}

const TIMES: Times = { pollEvery: 200, wholeEvery: 60_000 };

/** Milliseconds that each poll reads again: a revocation may commit later than its `revoked_at` says. */
const OVERLAP = 60_000;

interface Options {
  readonly pool: Sql;
  /** Milliseconds since the epoch. */
  clock(): number;
  /** Milliseconds for which a revocation is worth knowing. */
  readonly worthKnowing: number;
  take(revocation: Revocation): void;
  /** Called when all that is worth knowing was read. */
  onComplete(): void;
  /** Called at once when a poll fails. */
  onLost(): void;
  readonly stop: AbortSignal;
  readonly times?: Times;
}

/**
 * Reads revocations again and again until a poll fails or it is stopped, and resolves with the reason then. For a
 * database behind a pooler in transaction mode, which delivers no notifications. Each poll takes the rows of its
 * overlap again, which changes nothing in the list.
 */
export async function pollRevocations(options: Options): Promise<unknown> {
  const { pool, clock, worthKnowing, take, onComplete, onLost, stop } = options;
  const { pollEvery, wholeEvery } = options.times ?? TIMES;
  let wholeAt = Number.NEGATIVE_INFINITY;
  try {
    while (!stop.aborted) {
      const isWhole = performance.now() - wholeAt >= wholeEvery;
      const startedAt = performance.now();
      const window = isWhole ? worthKnowing : Math.min(OVERLAP, worthKnowing);
      const rows = await execute(selectRevocations(pool, clock() - window));
      for (const revocation of toRevocations(rows)) take(revocation);
      if (isWhole) {
        if (wholeAt === Number.NEGATIVE_INFINITY) onComplete();
        wholeAt = startedAt;
      }
      await delay(pollEvery, undefined, { signal: stop }).catch(() => {});
    }
    onLost();
    return stop.reason;
  } catch (reason) {
    onLost();
    // A machine that is gone without a word leaves connections that look open: nothing else asks whether it is there.
    if (reason instanceof StoreUnavailable && reason.outcome === 'pending') reconnect(pool);
    return reason;
  }
}
