import { openDatabase } from '../compose/stores.ts';
import { type Config, readConfig } from '../config.ts';

type Database = Awaited<ReturnType<typeof openDatabase>>;

/** Does the work of a command on the configured database, and closes the database. */
export async function onDatabase(
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
