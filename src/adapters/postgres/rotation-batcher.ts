import type { TokenFamily } from '../../domain/token-family.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { Rotation } from '../../ports/stores/token-families.ts';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { type LastingRow, toRotated } from './family-row.ts';
import { assertEach, isSameId, onlyRow } from './own-answer.ts';
import { rotateSkippingLockedSql, rotateSql } from './rotate-sql.ts';

/** More in one statement gain nothing any more. */
const MOST = 64;

/** Milliseconds that a rotation waits for others: a database that keeps it waiting longer has more than it can do. */
const LONGEST_WAIT = 2_000;

interface Waiting {
  readonly rotation: Rotation;
  readonly since: number;
  resolve(rotated: TokenFamily | null): void;
  reject(reason: unknown): void;
}

/**
 * Rotations that share their statements. Those that come while one is under way wait for its end and then go
 * together: one round trip and one commit for all of them. Such a statement passes over rows that somebody else
 * holds, and whoever it did not rotate tries again alone. So nobody waits for the row of another, no two statements
 * wait for each other, and one row at fault spoils no other.
 */
export function createRotationBatcher(sql: Sql): (rotation: Rotation) => Promise<TokenFamily | null> {
  let waiting: Waiting[] = [];
  let isUnderWay = false;

  return (rotation) =>
    new Promise((resolve, reject) => {
      waiting.push({ rotation, since: performance.now(), resolve, reject });
      if (!isUnderWay) void run();
    });

  async function run(): Promise<void> {
    isUnderWay = true;
    while (waiting.length > 0) await rotateBatch(takeBatch());
    isUnderWay = false;
  }

  /** One of each family: two of the same have to see each other's effect. */
  function takeBatch(): readonly Waiting[] {
    const batch = new Map<string, Waiting>();
    const rest: Waiting[] = [];
    for (const one of waiting) {
      const { tokenFamily } = one.rotation.expected;
      if (performance.now() - one.since > LONGEST_WAIT) one.reject(new StoreUnavailable('nothing', TOO_LATE));
      else if (batch.size < MOST && !batch.has(tokenFamily)) batch.set(tokenFamily, one);
      else rest.push(one);
    }
    waiting = rest;
    return [...batch.values()];
  }

  async function rotateBatch(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return; // all of them had waited too long
    try {
      const rotated = await rotateUnlocked(batch.map(({ rotation }) => rotation));
      for (const one of batch) {
        const row = rotated.get(one.rotation.expected.tokenFamily);
        if (row === undefined) void rotateOne(one);
        else one.resolve(toRotated(one.rotation, row));
      }
    } catch (error) {
      for (const one of batch) {
        if (error instanceof StoreUnavailable) one.reject(error);
        else void rotateOne(one);
      }
    }
  }

  async function rotateUnlocked(rotations: readonly Rotation[]): Promise<Map<string, LastingRow>> {
    const rows = await execute(sql<LastingRow[]>`${rotateSkippingLockedSql(sql, rotations)}`);
    const families = new Set(rotations.map(({ expected }) => expected.tokenFamily));
    assertEach(rows, (row) => families.has(row.token_family));
    return new Map(rows.map((row) => [row.token_family, row]));
  }

  async function rotateOne({ rotation, resolve, reject }: Waiting): Promise<void> {
    try {
      const rows = await execute(sql<LastingRow[]>`${rotateSql(sql, [rotation])}`);
      const row = onlyRow(rows, (row) => isSameId(row.token_family, rotation.expected.tokenFamily));
      resolve(row === null ? null : toRotated(rotation, row));
    } catch (error) {
      reject(error);
    }
  }
}

const TOO_LATE = new Error(`not begun within ${LONGEST_WAIT} ms`);
