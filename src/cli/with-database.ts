import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Sql } from '../adapters/postgres/connect.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import { probeSchema } from '../adapters/postgres/probe-database.ts';
import { openDatabase, openOrJoinDatabase } from '../compose/stores.ts';
import { type Config, readConfig } from '../config.ts';
import { plural } from '../domain/plural.ts';
import { commandLine } from '../lib/command-line.ts';
import { StoreUnavailable } from '../ports/stores/store-unavailable.ts';
import { describeFailure } from './describe-failure.ts';

type Database = Awaited<ReturnType<typeof openDatabase>>;

/**
 * Does the work of a command on the configured database, and closes it. An embedded database must not be open in
 * another process. With `onCreate`, a missing embedded database is created, and the schema need not be up to date.
 */
export async function withDatabase(
  work: (database: Database, config: Config) => Promise<void>,
  onCreate?: (folder: string) => void,
): Promise<void> {
  const config = await readCommandConfig();
  if (onCreate === undefined) requireEmbeddedDatabase(config);
  const database = await openDatabase(config, onCreate);
  try {
    if (onCreate === undefined) await requireSchema(database.sql);
    await work(database, config);
  } catch (error) {
    throw explainOutage(error);
  } finally {
    await database.close();
  }
}

/**
 * Does the work of a command on the database. A service may have the database open meanwhile. With `creates`, a missing
 * embedded database is created, and the schema is migrated.
 */
export async function withSharedDatabase<T>(
  work: (sql: Sql, config: Config) => Promise<T>,
  { config: given, creates = false }: { readonly config?: Config; readonly creates?: boolean } = {},
): Promise<T> {
  const config = given ?? (await readCommandConfig());
  if (!creates) requireEmbeddedDatabase(config);
  const { sql, close } = await openOrJoinDatabase(config);
  try {
    await (creates ? migrate(sql) : requireSchema(sql));
    return await work(sql, config);
  } catch (error) {
    throw explainOutage(error);
  } finally {
    await close();
  }
}

/**
 * The configuration for a command on the database. Missing keys are not generated: a new key would not be that of the
 * service.
 */
export function readCommandConfig(): Promise<Config> {
  return readConfig(process.env, process.cwd(), { createKeys: false });
}

/** Gives an unavailable database a message for operators. Returns any other error unchanged. */
function explainOutage(error: unknown): unknown {
  if (!(error instanceof StoreUnavailable)) return error;
  const reason = describeFailure(error).replace(/\.$/, '');
  return new Error(`The database cannot be used: ${reason}. Run ${commandLine('doctor')}.`);
}

/** In a database that another URL names by mistake, new tables would hide the mistake. */
async function requireSchema(sql: Sql): Promise<void> {
  const { isInstalled, due } = await probeSchema(sql);
  const migration = commandLine('migrate');
  if (!isInstalled)
    throw new Error(
      `The database has no tables yet. If it is the database of the service, run ${migration}. Otherwise correct ` +
        'DATABASE_URL.',
    );
  if (due.length > 0)
    throw new Error(
      `The database needs ${plural(due.length, 'migration')} of this release. Run ${migration}.`,
    );
}

/** In a wrong folder a new, empty database would hide the mistake. */
function requireEmbeddedDatabase({ database, dataDir }: Config): void {
  const folder = join(dataDir, 'pg');
  if (database.kind === 'url' || existsSync(join(folder, 'PG_VERSION'))) return;
  throw new Error(
    `There is no database in ${folder}. ` +
      'Run this command in the folder of the service, or set DATABASE_URL or DATA_DIR as for the service.',
  );
}
