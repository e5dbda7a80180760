import type { Log } from '../../ports/log.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { Removal, Telemetry } from '../../ports/telemetry.ts';

export interface RemovalDeps {
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'removalFailed'>;
}

interface RemovalTask {
  readonly removal: Removal;
  /** Removes one batch and answers its size; null while another process removes the same. */
  remove(): Promise<number | null>;
  /** The log line when nothing is left to remove. Without it nothing is logged. */
  readonly done?: string;
}

/** Entries or links that one statement removes: it must end long before the statement timeout. */
export const REMOVED_AT_ONCE = 1_000;

/**
 * A removal for a background loop. Each call removes one batch and answers its size. A failure is logged and counted,
 * and answered with 0, so that the loop tries again after its pause.
 */
export const removeInTurns = ({ log, telemetry }: RemovalDeps, { removal, remove, done }: RemovalTask) => {
  let count = 0;

  return async (): Promise<number> => {
    const removed = await removeBatch();
    count += removed;
    if (removed > 0 || count === 0) return removed;
    if (done !== undefined) log.info({ count }, done);
    count = 0;
    return 0;
  };

  async function removeBatch(): Promise<number> {
    try {
      return (await remove()) ?? 0;
    } catch (error) {
      telemetry.removalFailed(removal);
      const level = error instanceof StoreUnavailable ? 'warn' : 'error';
      log[level]({ err: error, removal }, 'old entries were not removed; trying again later');
      return 0;
    }
  }
};
