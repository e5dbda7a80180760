import { migrate } from '../adapters/postgres/migrate.ts';
import { createProgress, showStart } from './progress.ts';
import { withDatabase } from './with-database.ts';

/** `kinship migrate`: brings the schema up to date and prints what it applied. Progress goes to standard error. */
export async function migrateSchema(): Promise<void> {
  const progress = createProgress(process.stderr, () => performance.now());
  const { onCreateDatabase, onMigration } = showStart(progress);
  await withDatabase(async ({ sql }) => {
    const applied = await migrate(sql, onMigration);
    progress.end();
    const lines =
      applied.length === 0 ? ['The schema is up to date.'] : applied.map((name) => `applied ${name}`);
    process.stdout.write(`${lines.join('\n')}\n`);
  }, onCreateDatabase).finally(progress.end);
}
