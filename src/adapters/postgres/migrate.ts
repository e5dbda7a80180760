import { fileURLToPath } from 'node:url';
import Postgrator from 'postgrator';
import type postgres from 'postgres';
import { errorCode } from '../../lib/errors.ts';
import { sleep } from '../../lib/time.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import type { Sql } from './connect.ts';
import { DatabaseUnusable, unwrapUnusable } from './connection/session.ts';
import { mapDriverError } from './execute.ts';
import { dropInvalidIndexes } from './invalid-indexes.ts';
import { adoptOldTable, TABLE } from './migrations-table.ts';

export const MIGRATIONS = fileURLToPath(new URL('migrations/*.sql', import.meta.resolve('#package.json')));

/** The key of the advisory lock that excludes concurrent migrations. It must never change. */
const MIGRATION_LOCK = 7_271_046_103;

/** A migration that is about to run. `total` migrations are due, and `number` counts them from 1. */
export interface DueMigration {
  readonly name: string;
  readonly number: number;
  readonly total: number;
}

/**
 * Migrates the schema and returns the migrations that were applied. All of them run in one transaction under an
 * advisory lock:
 *
 * - If several replicas start at once, one migrates, and the others wait and find nothing to do.
 * - A script that fails is rolled back with all others.
 * - A script that was edited after it ran is refused by its checksum.
 * - A script that waits too long for a lock is rolled back, and all are tried again. Otherwise each statement of the
 *   other replicas would wait behind it, for example until a dump of the database ends.
 */
export async function migrate(
  sql: Sql,
  onMigration: (due: DueMigration) => void = () => {},
  onBlocked: () => void = () => {},
): Promise<readonly string[]> {
  for (;;) {
    try {
      return await migrateOnce(sql, onMigration);
    } catch (error) {
      if (!isLockConflict(error)) throw error;
      onBlocked();
      await sleep(LOCK_PAUSE);
    }
  }
}

/** Milliseconds that a script waits for a lock. */
const LOCK_TIMEOUT = 2_000;

/** Milliseconds before the next attempt. Statements that waited behind the script run in this pause. */
const LOCK_PAUSE = 2_000;

/** Whether a lock was not available in time (55P03), or this transaction was the victim of a deadlock (40P01). */
function isLockConflict(error: unknown): boolean {
  return error instanceof StoreUnavailable && /^(?:55P03|40P01)$/.test(errorCode(error.cause));
}

async function migrateOnce(sql: Sql, onMigration: (due: DueMigration) => void): Promise<readonly string[]> {
  const applied = await mapDriverError(
    sql.begin(async (tx) => {
      // Another replica may be migrating. The wait for its lock has no limit.
      await tx`set local statement_timeout = 0`;
      await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
      await tx.unsafe(`set local lock_timeout = ${LOCK_TIMEOUT}`);
      const { database, schema } = await findSchema(tx);
      const postgrator = new Postgrator({
        migrationPattern: MIGRATIONS,
        driver: 'pg',
        database,
        // Without the schema Postgrator would also find a table of this name in another schema.
        schemaTable: `${schema}.${TABLE}`,
        execQuery: async (text) => ({ rows: await tx.unsafe(text) }),
        async execSqlScript(text) {
          await dropInvalidIndexes(tx, schema, text);
          await tx.unsafe(text).simple();
        },
      });
      const migrations = await postgrator.getMigrations();
      await adoptOldTable(tx, schema, migrations);
      let number = 0;
      let total = 0;
      postgrator.on('migration-started', ({ version, name }) => {
        if (number === 0) total = migrations.filter((each) => each.version >= version).length;
        number += 1;
        onMigration({ name: `${version} ${name}`, number, total });
      });
      return postgrator.migrate();
    }),
  ).catch(unwrapUnusable);
  return applied.map(({ version, name }) => `${version} ${name}`);
}

/** The database and the schema for new tables. Creates the configured schema if it does not exist. */
async function findSchema(tx: postgres.TransactionSql): Promise<{ database: string; schema: string }> {
  const [found] = await tx<[{ database: string; schema: string | null; path: string }]>`
    select current_database() as database, current_schema() as schema, current_setting('search_path') as path`;
  const { database, path } = found;
  if (found.schema === null && IDENTIFIER.test(path)) await tx`create schema ${tx(path)}`;
  const schema = found.schema ?? path;
  if (!IDENTIFIER.test(schema))
    throw new DatabaseUnusable(
      `The search_path ${path} names no schema for the tables. Set DATABASE_SCHEMA.`,
    );
  return { database, schema };
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_$]*$/;
