import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { reconnectPoolOf } from './reconnecting-pool.ts';

/**
 * The row of a read that returns one row at most, or null. Throws {@link StoreUnavailable} when the row is not the
 * one that was asked for: a driver that matches answers by their order can confuse two statements, and the answer
 * of another statement must never be given out. See docs/decisions/0010-answers-are-matched.md.
 */
export function onlyRow<Row>(rows: readonly Row[], isOwn: (row: Row) => boolean): Row | null {
  assertEach(rows, isOwn);
  return rows[0] ?? null;
}

/** The same check for a read that returns several rows. */
export function assertEach<Row>(rows: readonly Row[], isOwn: (row: Row) => boolean): void {
  if (rows.every(isOwn)) return;
  // The order of answers is lost on that connection: the next answers would be foreign, too.
  reconnectPoolOf(rows);
  throw new StoreUnavailable('unknown', FOREIGN_ANSWER);
}

/** Compares two UUIDs as PostgreSQL does: in either case of letters. */
export function isSameId(one: string, other: string): boolean {
  return one === other || one.toLowerCase() === other.toLowerCase();
}

const FOREIGN_ANSWER = new Error('The database driver returned the answer of another statement.');
