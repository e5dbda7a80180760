import type { TransactionSql } from 'postgres';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';

/**
 * Runs all statements of `read` on one snapshot of the database. Lists that are searched in parts need this: they read
 * a page and the position of the last row that they searched. Rows that leave the list in between would move the
 * position, and the next page would skip rows.
 */
export function readFromSnapshot<Page>(sql: Sql, read: (tx: TransactionSql) => Promise<Page>): Promise<Page> {
  const page = sql.begin(async (tx) => {
    await tx`set transaction isolation level repeatable read, read only`;
    return read(tx);
  });
  return execute(page as Promise<Page>);
}
