import { fileURLToPath } from 'node:url';
import Postgrator from 'postgrator';
import { translated } from './asked.ts';
import type { Sql } from './connect.ts';

const MIGRATIONS = fileURLToPath(new URL('migrations/*.sql', import.meta.resolve('#package.json')));

/** Any number, the same for ever: it names the lock that keeps migrators apart. */
const LOCK = 7_271_046_103;

/**
 * Brings the schema up to date and answers what was applied. One transaction around all of it, under an advisory
 * lock: of several replicas that start at once one migrates and the others find it done; a script that fails
 * leaves nothing behind; a script that was edited after it ran is refused by its checksum.
 */
export async function migrate(sql: Sql): Promise<readonly string[]> {
  const applied = await translated(
    sql.begin(async (tx) => {
      // Whoever waits for another migrator waits as long as that takes.
      await tx`set local statement_timeout = 0`;
      await tx`select pg_advisory_xact_lock(${LOCK})`;
      const [row] = await tx<[{ name: string }]>`select current_database() as name`;
      const postgrator = new Postgrator({
        migrationPattern: MIGRATIONS,
        driver: 'pg',
        database: row.name,
        schemaTable: 'schema_migrations',
        execQuery: async (text) => ({ rows: await tx.unsafe(text) }),
        execSqlScript: async (text) => void (await tx.unsafe(text).simple()),
      });
      return postgrator.migrate();
    }),
  );
  return applied.map(({ version, name }) => `${version} ${name}`);
}
