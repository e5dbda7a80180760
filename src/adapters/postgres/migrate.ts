import { fileURLToPath } from 'node:url';
import Postgrator from 'postgrator';
import type postgres from 'postgres';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { Sql } from './connect.ts';
import { DatabaseUnfit } from './connection/session.ts';
import { mapDriverError } from './execute.ts';
import { adoptOldTable, TABLE } from './migrations-table.ts';

const MIGRATIONS = fileURLToPath(new URL('migrations/*.sql', import.meta.resolve('#package.json')));

/** Any number, the same for ever: it names the lock that keeps migrators apart. */
const LOCK = 7_271_046_103;

/** A migration that is about to run: the `number`th `of` those that are due. */
export interface DueMigration {
  readonly name: string;
  readonly number: number;
  readonly of: number;
}

/**
 * Brings the schema up to date and answers what was applied. One transaction around all of it, under an advisory
 * lock: of several replicas that start at once one migrates and the others find it done; a script that fails
 * leaves nothing behind; a script that was edited after it ran is refused by its checksum.
 */
export async function migrate(
  sql: Sql,
  onMigration: (due: DueMigration) => void = () => {},
): Promise<readonly string[]> {
  const applied = await mapDriverError(
    sql.begin(async (tx) => {
      // Whoever waits for another migrator waits as long as that takes.
      await tx`set local statement_timeout = 0`;
      await tx`select pg_advisory_xact_lock(${LOCK})`;
      const { database, schema } = await placeOf(tx);
      const postgrator = new Postgrator({
        migrationPattern: MIGRATIONS,
        driver: 'pg',
        database,
        // With the schema: Postgrator would find a table of this name in any other one.
        schemaTable: `${schema}.${TABLE}`,
        execQuery: async (text) => ({ rows: await tx.unsafe(text) }),
        execSqlScript: async (text) => void (await tx.unsafe(text).simple()),
      });
      const migrations = await postgrator.getMigrations();
      await adoptOldTable(tx, schema, migrations);
      const current = await postgrator.getDatabaseVersion();
      const due = migrations.filter(({ version }) => version > current).map(({ version }) => version);
      postgrator.on('migration-started', ({ version, name }) =>
        onMigration({ name: `${version} ${name}`, number: due.indexOf(version) + 1, of: due.length }),
      );
      return postgrator.migrate();
    }),
  ).catch(unwrapUnfit);
  return applied.map(({ version, name }) => `${version} ${name}`);
}

/** The database and the schema in which tables are made. A schema that the configuration names is made first. */
async function placeOf(tx: postgres.TransactionSql): Promise<{ database: string; schema: string }> {
  const [place] = await tx<[{ database: string; schema: string | null; path: string }]>`
    select current_database() as database, current_schema() as schema, current_setting('search_path') as path`;
  const { database, path } = place;
  if (place.schema === null && IDENTIFIER.test(path)) await tx`create schema ${tx(path)}`;
  const schema = place.schema ?? path;
  if (!IDENTIFIER.test(schema))
    throw new DatabaseUnfit(`The search_path ${path} leads to no schema for tables. Set DATABASE_SCHEMA.`);
  return { database, schema };
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_$]*$/;

/** At the start the reason is worth more than the fact that the database cannot be used. */
function unwrapUnfit(error: unknown): never {
  throw error instanceof StoreUnavailable && error.cause instanceof DatabaseUnfit ? error.cause : error;
}
