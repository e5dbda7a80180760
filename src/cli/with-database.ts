import type { Sql } from '../adapters/postgres/connect.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import { openDatabase, openOrJoinDatabase } from '../compose/stores.ts';
import { type Config, readConfig } from '../config.ts';

type Database = Awaited<ReturnType<typeof openDatabase>>;

/**
 * Does the work of a command on the configured database, and closes it. An embedded database must not be open in
 * another process.
 */
export async function withDatabase(
  work: (database: Database, config: Config) => Promise<void>,
  onCreate?: (folder: string) => void,
): Promise<void> {
  const config = await readConfig();
  const database = await openDatabase(config, onCreate);
  try {
    await work(database, config);
  } finally {
    await database.close();
  }
}

/** Migrates the database and does the work of a command on it. A service may have the database open meanwhile. */
export async function withSharedDatabase<T>(
  work: (sql: Sql, config: Config) => Promise<T>,
  configured?: Config,
): Promise<T> {
  const config = configured ?? (await readConfig());
  const { sql, close } = await openOrJoinDatabase(config);
  try {
    await migrate(sql);
    return await work(sql, config);
  } finally {
    await close();
  }
}
