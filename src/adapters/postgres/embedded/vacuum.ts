import type { Sql } from '../connect.ts';
import { mapDriverError } from '../execute.ts';
import { TABLES } from '../ping.ts';

/**
 * Returns a function that makes the space of removed rows usable again, one table after another. The embedded database
 * has no autovacuum. Without a vacuum its files would grow with each row that is written.
 */
export function createVacuum(sql: Sql): () => Promise<void> {
  return async () => {
    // Without a deadline, because the vacuum of a large table may take longer.
    for (const table of TABLES) await mapDriverError(sql`vacuum (analyze) ${sql(table)}`);
  };
}
