import Postgrator from 'postgrator';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { MIGRATIONS } from './migrate.ts';
import { TABLE } from './migrations-table.ts';

export interface DatabaseFacts {
  readonly version: string;
  readonly encoding: string;
  readonly user: string;
  readonly isSuperuser: boolean;
  /** Milliseconds since the epoch. */
  readonly clock: number;
}

/** Reads the version, the encoding, the clock and the role of the connection. */
export async function probeDatabase(sql: Sql): Promise<DatabaseFacts> {
  const [facts] = await execute(sql<[DatabaseFacts]>`
    select current_setting('server_version') as version, current_setting('server_encoding') as encoding,
      current_user as user, (select rolsuper from pg_roles where rolname = current_user) as "isSuperuser",
      (extract(epoch from clock_timestamp()) * 1000)::float8 as clock`);
  return facts;
}

export interface SchemaState {
  readonly isInstalled: boolean;
  /** The versions of the migrations that are still to run. */
  readonly due: readonly number[];
  /** The versions of the migrations whose file has changed since they ran. */
  readonly edited: readonly number[];
}

/** Compares the schema with the migrations of this release, and changes nothing. */
export async function probeSchema(sql: Sql): Promise<SchemaState> {
  const files = await readMigrations();
  const [{ found }] = await execute(
    sql<[{ found: boolean }]>`select to_regclass(${TABLE}) is not null as found`,
  );
  if (!found) return { isInstalled: false, due: [...files.keys()], edited: [] };
  const rows = await execute(
    sql<{ version: number; md5: string | null }[]>`select version::int as version, md5 from ${sql(TABLE)}`,
  );
  const ran = new Map(rows.map(({ version, md5 }) => [version, md5]));
  const last = Math.max(0, ...ran.keys());
  const due = [...files.keys()].filter((version) => version > last);
  const edited = [...files].filter(([version, md5]) => (ran.get(version) ?? md5) !== md5);
  return { isInstalled: true, due, edited: edited.map(([version]) => version) };
}

/** Whether all migrations of this release have run, and none was edited. */
export function isCurrent({ due, edited }: SchemaState): boolean {
  return due.length === 0 && edited.length === 0;
}

/** Reads the checksum of each migration file, by version. A migration that runs stores the same checksum. */
async function readMigrations(): Promise<Map<number, string>> {
  const migrations = await new Postgrator({ migrationPattern: MIGRATIONS, driver: 'pg' }).getMigrations();
  return new Map(migrations.map(({ version, md5 }) => [version, md5]));
}
