import { sleep } from '../../../lib/time.ts';
import type { Log } from '../../../ports/log.ts';
import type { FedRevokedFamilies } from '../../../ports/revoked-families.ts';
import { StoreUnavailable } from '../../../ports/stores/store-unavailable.ts';

export interface RevocationFeed {
  /**
   * Must be called with each error of a store: the statement may have revoked sessions although its answer was lost.
   */
  noteFailure(error: unknown): void;
  /** Must be called when other clients of the embedded database come, and when the last one has gone. */
  noteOtherClients(hasOtherClients: boolean): void;
  stop(): Promise<void>;
}

interface Options {
  readonly list: FedRevokedFamilies;
  readonly log: Log;
  /** Adds every recent revocation of the database to the list. */
  reload(): Promise<void>;
}

/** Milliseconds from a failure to the next attempt to load the list. */
const PAUSE = 500;

/**
 * Maintains the list of revoked families for the embedded database. The stores of this process add their revocations to
 * the list. While a command is connected to the database, the list is incomplete, because the command can revoke
 * sessions, too. The list is loaded again when the command has disconnected.
 *
 * After a statement with an unknown outcome the list is incomplete until it is loaded again. The embedded database runs
 * statements in order, so the load sees the result of a pending statement.
 */
export function maintainEmbeddedList({ list, log, reload }: Options): RevocationFeed {
  const stopping = new AbortController();
  const { signal } = stopping;
  /** Grows with each event after which the list may lack a revocation. */
  let doubts = 0;
  let hasOthers = false;
  let repair: Promise<void> | null = null;
  list.setComplete(true);

  return {
    noteFailure(error) {
      const isDefinite = !(error instanceof StoreUnavailable) || error.outcome === 'nothing';
      if (isDefinite || signal.aborted) return;
      doubt();
      startRepair(() => repairAfterLoss(error));
    },
    noteOtherClients(hasOtherClients) {
      hasOthers = hasOtherClients;
      if (hasOthers) doubt();
      else if (!signal.aborted) startRepair(reloadUntilComplete);
    },
    async stop() {
      stopping.abort();
      await repair;
      list.setComplete(false);
    },
  };

  /** Runs one repair at a time. */
  function startRepair(work: () => Promise<void>): void {
    repair ??= work().finally(() => {
      repair = null;
    });
  }

  async function repairAfterLoss(error: unknown): Promise<void> {
    log.warn(
      { err: error },
      'an answer of the database was lost; checking the database on every request until the revocations are loaded again',
    );
    await sleep(PAUSE, signal);
    await reloadUntilComplete();
    if (list.isComplete()) log.info({}, 'revoked sessions loaded again');
  }

  function doubt(): void {
    doubts += 1;
    list.setComplete(false);
  }

  /** Ends without a complete list if another client comes meanwhile. */
  async function reloadUntilComplete(): Promise<void> {
    while (!list.isComplete() && !hasOthers && !signal.aborted) {
      await reloadOnce();
      if (!list.isComplete()) await sleep(PAUSE, signal);
    }
  }

  async function reloadOnce(): Promise<void> {
    const before = doubts;
    try {
      await reload();
      if (before === doubts) list.setComplete(true);
    } catch (error) {
      log.warn({ err: error }, 'loading the revoked sessions failed; trying again');
    }
  }
}
