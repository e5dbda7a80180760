import type { Sql } from '../../src/adapters/postgres/connect.ts';

/** A refused request may write to these tables, because they count and record refusals. */
export const RECORDS_OF_REFUSALS = ['failed_passwords', 'security_events', 'security_seals'];

/**
 * The digest of all rows of each table, without the records of refusals. Two results are equal if nothing changed
 * between them. `except` names tables that may change, such as counters.
 */
export async function digest(sql: Sql, except: readonly string[] = []): Promise<Record<string, string>> {
  const tables = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public' order by tablename`;
  const counted = tables.filter(({ name }) => ![...except, ...RECORDS_OF_REFUSALS].includes(name));
  // One statement reads all tables, so that they are seen at the same moment.
  const parts = counted.map(
    ({ name }) =>
      `select '${name}' as name, count(*) || ' rows ' || coalesce(md5(string_agg(t::text, e'\\n' order by t::text)), '') as rows from "${name}" t`,
  );
  const statement = parts.join(' union all ');
  // PostgreSQL plans a prepared statement once. A plan of so many tables costs more than to read their few rows.
  const rows = await sql.unsafe<{ name: string; rows: string }[]>(statement, [], { prepare: true });
  return Object.fromEntries(rows.map((row) => [row.name, row.rows]));
}
