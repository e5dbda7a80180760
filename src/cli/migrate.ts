import { migrate } from '../adapters/postgres/migrate.ts';
import { onDatabase } from './on-database.ts';

/** `npm run migrate`: brings the schema up to date and says what it did; exit code 1 if it could not. */
await onDatabase(async ({ sql }) => {
  const applied = await migrate(sql);
  const lines =
    applied.length === 0 ? ['The schema is up to date.'] : applied.map((name) => `applied ${name}`);
  process.stdout.write(`${lines.join('\n')}\n`);
});
