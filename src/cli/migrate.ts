import { migrate } from '../adapters/postgres/migrate.ts';
import { onDatabase } from './on-database.ts';

/** `kinship migrate`: brings the schema up to date and prints what it applied. */
export function migrateSchema(): Promise<void> {
  return onDatabase(async ({ sql }) => {
    const applied = await migrate(sql);
    const lines =
      applied.length === 0 ? ['The schema is up to date.'] : applied.map((name) => `applied ${name}`);
    process.stdout.write(`${lines.join('\n')}\n`);
  });
}
