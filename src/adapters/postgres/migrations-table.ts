import type postgres from 'postgres';

/** Which migrations ran. The name is our own, since other programs keep a `schema_migrations` in the same schema. */
export const TABLE = 'kinship_migrations';

/** The table of releases before that one. */
const OLD_TABLE = 'schema_migrations';
const COLUMNS = ['version', 'name', 'md5', 'run_at'];

interface Migration {
  readonly version: number;
  readonly name: string;
}

/**
 * Makes the table of migrations where it is missing, with the rows of the old table if that one is ours. The old
 * table stays as it is: a replica of an older release that starts later must not run the first migrations again.
 */
export async function adoptOldTable(
  tx: postgres.TransactionSql,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  if ((await columnsOf(tx, schema, TABLE)).length > 0) return;
  // Not left to Postgrator, which would also make the schema, and needs a right on the database for that.
  await tx`
    create table ${tx(schema)}.${tx(TABLE)} (version bigint primary key, name text, md5 text, run_at timestamptz)`;
  if (await isOldTableOurs(tx, schema, migrations))
    await tx`
      insert into ${tx(schema)}.${tx(TABLE)} (version, name, md5, run_at)
      select version, name, md5, run_at from ${tx(schema)}.${tx(OLD_TABLE)}`;
  else await tx`insert into ${tx(schema)}.${tx(TABLE)} (version) values (0)`;
}

/** By its columns, and by the names of the migrations in it. */
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
