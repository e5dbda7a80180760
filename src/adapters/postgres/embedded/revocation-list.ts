import { sleep } from '../../../lib/time.ts';
import type { Log } from '../../../ports/log.ts';
import type { FedRevokedFamilies } from '../../../ports/revoked-families.ts';
import { StoreUnavailable } from '../../../ports/stores/store-unavailable.ts';

export interface RevocationFeed {
  /**
   * Must be called with each error of a store: the statement may have revoked sessions although its answer was lost.
   */
  noteFailure(error: unknown): void;
  stop(): Promise<void>;
}

interface Options {
  readonly list: FedRevokedFamilies;
  readonly log: Log;
  /** Adds every recent revocation of the database to the list. */
  reload(): Promise<void>;
}

/** Milliseconds before each attempt to load the list again. */
const PAUSE = 500;

/**
 * Maintains the list of revoked families for the embedded database. The stores of this process add their revocations to
 * the list. A command that joins the database adds nothing to this list, so revocations of the command are missing.
 *
 * After a statement with an unknown outcome the list is incomplete until it is loaded again. The embedded database runs
 * statements in order, so the load sees the result of a pending statement.
 */
export function keepEmbeddedList({ list, log, reload }: Options): RevocationFeed {
  const stopping = new AbortController();
  const { signal } = stopping;
  let failures = 0;
  let repair: Promise<void> | null = null;
  list.setComplete(true);

  return {
    noteFailure(error) {
      const isDefinite = !(error instanceof StoreUnavailable) || error.outcome === 'nothing';
      if (isDefinite || signal.aborted) return;
      failures += 1;
      list.setComplete(false);
      repair ??= reloadUntilComplete(error);
    },
    async stop() {
      stopping.abort();
      await repair;
      list.setComplete(false);
    },
  };

  async function reloadUntilComplete(reason: unknown): Promise<void> {
    log.warn(
      { err: reason },
      'an answer of the database was lost; checking the database on every request until the revocations are loaded again',
    );
    while (!list.isComplete() && !signal.aborted) {
      await sleep(PAUSE, signal);
      if (!signal.aborted) await reloadOnce();
    }
    repair = null;
  }

  async function reloadOnce(): Promise<void> {
    const before = failures;
    try {
      await reload();
      if (before === failures) list.setComplete(true);
    } catch (error) {
      log.warn({ err: error }, 'loading the revoked sessions failed; trying again');
    }
    if (list.isComplete()) log.info({}, 'revoked sessions loaded again');
  }
}
