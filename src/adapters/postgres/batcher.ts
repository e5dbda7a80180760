import { errorCode } from '../../lib/errors.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';

/** Changes in one statement. A larger batch is not faster. */
const MAX_BATCH = 64;

/** Milliseconds that a change waits for earlier batches. A longer wait means that the database is overloaded. */
const MAX_WAIT = 2_000;

/** The SQLSTATE of a deadlock, which the server resolved by a rollback of the statement. */
const DEADLOCK = '40P01';

/** How changes of one kind run. */
export interface BatchedChanges<Change, Result> {
  /** Changes with the same key are never in one batch, because the second one must see the result of the first. */
  keyOf(change: Change): string;
  /**
   * Returns the results by key. The statement should skip locked rows: a wait delays every change of the batch, and
   * two batches that wait for each other are a deadlock.
   */
  runBatch(changes: readonly Change[]): Promise<ReadonlyMap<string, Result | Promise<Result>>>;
  runAlone(change: Change): Promise<Result>;
}

interface Waiting<Change, Result> {
  readonly change: Change;
  readonly since: number;
  resolve(result: Result | Promise<Result>): void;
  reject(reason: unknown): void;
}

/**
 * Batches concurrent changes. Changes that arrive during a statement wait for its end. Up to `MAX_BATCH` of them, with
 * different keys, then share the next statement: one round trip and one commit. A change that is missing from the
 * result of this statement runs alone. So does each change of a batch that failed on a defect or a deadlock, so a
 * faulty change fails no other one. If the database is unavailable, the whole batch is rejected. See
 * docs/decisions/0007-rotations-share-a-statement.md.
 */
export function createBatcher<Change, Result>({
  keyOf,
  runBatch,
  runAlone,
}: BatchedChanges<Change, Result>): (change: Change) => Promise<Result> {
  let waiting: Waiting<Change, Result>[] = [];
  let isRunning = false;

  return (change) =>
    new Promise((resolve, reject) => {
      waiting.push({ change, since: performance.now(), resolve, reject });
      if (!isRunning) void run();
    });

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) await processBatch(takeBatch());
    isRunning = false;
  }

  /** Rejects changes that have waited longer than `MAX_WAIT`. */
  function takeBatch(): ReadonlyMap<string, Waiting<Change, Result>> {
    const batch = new Map<string, Waiting<Change, Result>>();
    const rest: Waiting<Change, Result>[] = [];
    for (const item of waiting) {
      const key = keyOf(item.change);
      if (performance.now() - item.since > MAX_WAIT) item.reject(new StoreUnavailable('nothing', TOO_LATE));
      else if (batch.size < MAX_BATCH && !batch.has(key)) batch.set(key, item);
      else rest.push(item);
    }
    waiting = rest;
    return batch;
  }

  async function processBatch(batch: ReadonlyMap<string, Waiting<Change, Result>>): Promise<void> {
    if (batch.size === 0) return; // every waiting change was too late
    try {
      const results = await runBatch([...batch.values()].map(({ change }) => change));
      for (const [key, item] of batch) item.resolve(results.get(key) ?? runAlone(item.change));
    } catch (error) {
      const isOutage = error instanceof StoreUnavailable && errorCode(error.cause) !== DEADLOCK;
      for (const item of batch.values()) {
        if (isOutage) item.reject(error);
        else item.resolve(runAlone(item.change));
      }
    }
  }
}

const TOO_LATE = new Error(`The change waited more than ${MAX_WAIT} ms for earlier ones.`);
