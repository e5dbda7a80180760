import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { replacePoolOf } from './reconnecting-pool.ts';

/**
 * Returns the only row of a result, or null if there is none. Throws {@link StoreUnavailable} if the row does not match
 * the statement. The driver matches answers to statements by their order and can confuse two statements. Then the row
 * may belong to another user. See docs/decisions/0010-answers-are-matched.md.
 */
export function onlyRow<Row>(rows: readonly Row[], matches: (row: Row) => boolean): Row | null {
  assertEach(rows, matches);
  return rows[0] ?? null;
}

/** Checks each row of a result as {@link onlyRow} checks the only row. */
export function assertEach<Row>(rows: readonly Row[], matches: (row: Row) => boolean): void {
  if (rows.every(matches)) return;
  // The connection has lost the order of its answers, so its next answers would not match either.
  replacePoolOf(rows);
  throw new StoreUnavailable('unknown', MISMATCH);
}

/** Compares two UUIDs as PostgreSQL does: without regard to case. */
export function isSameId(one: string, other: string): boolean {
  return one === other || one.toLowerCase() === other.toLowerCase();
}

const MISMATCH = new Error('The database driver returned the answer of another statement.');
