import { openDatabase } from '../compose/stores.ts';
import { type Config, readConfig } from '../config.ts';
import { runCommand } from './run-command.ts';

type Database = Awaited<ReturnType<typeof openDatabase>>;

/** Does a command's work on the configured database. What goes wrong is said in a line, with exit code 1. */
export function onDatabase(work: (database: Database, config: Config) => Promise<void>): Promise<void> {
  return runCommand(async () => {
    const config = await readConfig();
    const database = await openDatabase(config);
    try {
      await work(database, config);
    } finally {
      await database.close();
    }
  });
}
