import type { TokenFamily } from '../../domain/token-family.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { Rotation } from '../../ports/stores/token-families.ts';
import { assertEach, isSameId, onlyRow } from './answer-check.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { type ReturnedRow, toRotatedFamily } from './family-row.ts';
import { rotateSkippingLockedSql, rotateSql } from './rotate-sql.ts';

/** Rotations in one statement. A larger batch is not faster. */
const MAX_BATCH = 64;

/** Milliseconds that a rotation waits for earlier batches. A longer wait means that the database is overloaded. */
const MAX_WAIT = 2_000;

interface Waiting {
  readonly rotation: Rotation;
  readonly since: number;
  resolve(rotated: TokenFamily | null): void;
  reject(reason: unknown): void;
}

/**
 * Batches concurrent rotations. Rotations that arrive during a statement wait for its end. Up to `MAX_BATCH` of them,
 * of different families, then share the next statement: one round trip and one commit. The statement skips locked rows.
 * A rotation that is missing from its result, or whose batch failed on a defect, is retried alone. So no rotation waits
 * for the row of another family, batches cannot deadlock, and a faulty row fails no other rotation. If the database is
 * unavailable, the whole batch is rejected. See docs/decisions/0007-rotations-share-a-statement.md.
 */
export function createRotationBatcher(sql: Sql): (rotation: Rotation) => Promise<TokenFamily | null> {
  let waiting: Waiting[] = [];
  let isRunning = false;

  return (rotation) =>
    new Promise((resolve, reject) => {
      waiting.push({ rotation, since: performance.now(), resolve, reject });
      if (!isRunning) void run();
    });

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) await rotateBatch(takeBatch());
    isRunning = false;
  }

  /**
   * Takes at most one rotation of each family, because a second one must see the result of the first. Rejects rotations
   * that have waited longer than `MAX_WAIT`.
   */
  function takeBatch(): readonly Waiting[] {
    const batch = new Map<string, Waiting>();
    const rest: Waiting[] = [];
    for (const item of waiting) {
      const { tokenFamily } = item.rotation.expected;
      if (performance.now() - item.since > MAX_WAIT) item.reject(new StoreUnavailable('nothing', TOO_LATE));
      else if (batch.size < MAX_BATCH && !batch.has(tokenFamily)) batch.set(tokenFamily, item);
      else rest.push(item);
    }
    waiting = rest;
    return [...batch.values()];
  }

  async function rotateBatch(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return; // every waiting rotation was too late
    try {
      const rowsByFamily = await rotateSkippingLocked(batch.map(({ rotation }) => rotation));
      for (const item of batch) {
        const row = rowsByFamily.get(item.rotation.expected.tokenFamily);
        if (row === undefined) void rotateOne(item);
        else item.resolve(toRotatedFamily(item.rotation, row));
      }
    } catch (error) {
      for (const item of batch) {
        if (error instanceof StoreUnavailable) item.reject(error);
        else void rotateOne(item);
      }
    }
  }

  async function rotateSkippingLocked(rotations: readonly Rotation[]): Promise<Map<string, ReturnedRow>> {
    const rows = await execute(sql<ReturnedRow[]>`${rotateSkippingLockedSql(sql, rotations)}`);
    const families = new Set(rotations.map(({ expected }) => expected.tokenFamily));
    assertEach(rows, (row) => families.has(row.token_family));
    return new Map(rows.map((row) => [row.token_family, row]));
  }

  async function rotateOne({ rotation, resolve, reject }: Waiting): Promise<void> {
    try {
      const rows = await execute(sql<ReturnedRow[]>`${rotateSql(sql, [rotation])}`);
      const row = onlyRow(rows, (row) => isSameId(row.token_family, rotation.expected.tokenFamily));
      resolve(row === null ? null : toRotatedFamily(rotation, row));
    } catch (error) {
      reject(error);
    }
  }
}

const TOO_LATE = new Error(`The rotation waited more than ${MAX_WAIT} ms for earlier ones.`);
