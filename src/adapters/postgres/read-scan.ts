import type { TransactionSql } from 'postgres';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';

/**
 * Reads a page of a list from a part of its rows, and the position of the last row of this part. Both are read from one
 * snapshot of the database. Otherwise rows that leave the list meanwhile would move the position, and the next page
 * would skip rows.
 */
export function readScan<Page>(sql: Sql, read: (tx: TransactionSql) => Promise<Page>): Promise<Page> {
  const page = sql.begin(async (tx) => {
    await tx`set transaction isolation level repeatable read, read only`;
    return read(tx);
  });
  return execute(page as Promise<Page>);
}
