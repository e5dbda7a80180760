import type postgres from 'postgres';

/** The table of applied migrations. Other programs may have a `schema_migrations` in the same schema. */
export const TABLE = 'kinship_migrations';

/** The name of the table in older releases. */
const OLD_TABLE = 'schema_migrations';
const COLUMNS = ['version', 'name', 'md5', 'run_at'];

interface Migration {
  readonly version: number;
  readonly name: string;
}

/**
 * Creates the table of migrations if it is missing. If Kinship created the old table, copies its rows. The old table
 * stays: without it a replica of an older release would run the first migrations again.
 */
export async function adoptOldTable(
  tx: postgres.TransactionSql,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  if ((await columnsOf(tx, schema, TABLE)).length > 0) return;
  // Postgrator would also create the schema, for which the role would need a right on the database.
  await tx`
    create table ${tx(schema)}.${tx(TABLE)} (version bigint primary key, name text, md5 text, run_at timestamptz)`;
  if (await isOldTableOurs(tx, schema, migrations))
    await tx`
      insert into ${tx(schema)}.${tx(TABLE)} (version, name, md5, run_at)
      select version, name, md5, run_at from ${tx(schema)}.${tx(OLD_TABLE)}`;
  else await tx`insert into ${tx(schema)}.${tx(TABLE)} (version) values (0)`;
}

/** Whether Kinship created the old table: its columns and the names of its migrations show it. */
async function isOldTableOurs(
  tx: postgres.TransactionSql,
  schema: string,
  migrations: readonly Migration[],
): Promise<boolean> {
  const columns = await columnsOf(tx, schema, OLD_TABLE);
  if (!COLUMNS.every((column) => columns.includes(column))) return false;
  const rows = await tx<{ version: string; name: string | null }[]>`
    select version::text as version, name from ${tx(schema)}.${tx(OLD_TABLE)} where version::text <> '0'`;
  const nameOf = new Map(migrations.map(({ version, name }) => [String(version), name]));
  const known = rows.filter(({ version }) => nameOf.has(version));
  return known.length > 0 && known.every(({ version, name }) => nameOf.get(version) === name);
}

async function columnsOf(tx: postgres.TransactionSql, schema: string, table: string): Promise<string[]> {
  const rows = await tx<{ column_name: string }[]>`
    select column_name from information_schema.columns where table_schema = ${schema} and table_name = ${table}`;
  return rows.map(({ column_name }) => column_name);
}
