import { migrate } from '../adapters/postgres/migrate.ts';
import { openDatabase } from '../compose/stores.ts';
import { readConfig } from '../config.ts';

/** `npm run migrate`: brings the schema up to date and says what it did; exit code 1 if it could not. */
try {
  const database = await openDatabase(await readConfig());
  try {
    const applied = await migrate(database.sql);
    const lines =
      applied.length === 0 ? ['The schema is up to date.'] : applied.map((name) => `applied ${name}`);
    process.stdout.write(`${lines.join('\n')}\n`);
  } finally {
    await database.close();
  }
} catch (error) {
  const { message, cause } = error as Error;
  process.stderr.write(`${[message, cause instanceof Error ? cause.message : ''].join(' ').trim()}\n`);
  process.exitCode = 1;
}
