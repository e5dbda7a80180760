import type { Sql } from '../../adapters/postgres/connect.ts';
import { migrate } from '../../adapters/postgres/migrate.ts';
import { openOrJoinDatabase } from '../../compose/stores.ts';
import { type Config, readConfig } from '../../config.ts';

/** Does the work of a command on the accounts. It works beside a running service. */
export async function onUsers<T>(work: (sql: Sql, config: Config) => Promise<T>): Promise<T> {
  const config = await readConfig();
  const { sql, close } = await openOrJoinDatabase(config);
  try {
    await migrate(sql);
    return await work(sql, config);
  } finally {
    await close();
  }
}
