import type { Log } from '../../ports/log.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { Removal, Telemetry } from '../../ports/telemetry.ts';

export interface RemovalDeps {
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'removalFailed'>;
}

interface RemovalTask {
  readonly removal: Removal;
  /** Removes one batch and returns its size; null while another process runs the same removal. */
  remove(): Promise<number | null>;
  /** The log line after the last batch, with the number of removed rows. Absent: no log line. */
  readonly done?: string;
}

/** The number of rows that one statement removes, so that it ends long before the statement timeout. */
export const REMOVAL_BATCH = 1_000;

/**
 * A removal for a background loop. Each call removes one batch and returns its size. A failure is logged and counted.
 * The call then returns 0, so that the loop retries after its pause. `done` is logged after the last rows.
 */
export const createRemoval = ({ log, telemetry }: RemovalDeps, { removal, remove, done }: RemovalTask) => {
  let count = 0;

  return async (): Promise<number> => {
    try {
      const removed = (await remove()) ?? 0;
      count += removed;
      if (removed === 0) logEnd();
      return removed;
    } catch (error) {
      telemetry.removalFailed(removal);
      const level = error instanceof StoreUnavailable ? 'warn' : 'error';
      log[level]({ err: error, removal }, 'old rows not removed; trying again later');
      return 0;
    }
  };

  function logEnd(): void {
    if (count > 0 && done !== undefined) log.info({ count }, done);
    count = 0;
  }
};
