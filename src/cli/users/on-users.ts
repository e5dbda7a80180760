import type { Sql } from '../../adapters/postgres/connect.ts';
import { migrate } from '../../adapters/postgres/migrate.ts';
import { openOrJoinDatabase } from '../../compose/stores.ts';
import { readConfig } from '../../config.ts';

/** Does the work of a command on the accounts. It works beside a running service. */
export async function onUsers<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
  const { sql, close } = await openOrJoinDatabase(await readConfig());
  try {
    await migrate(sql);
    return await work(sql);
  } finally {
    await close();
  }
}
