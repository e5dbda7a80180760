import type postgres from 'postgres';
import type { Sql } from './connect.ts';
import { execute } from './execute.ts';
import { TABLES } from './ping.ts';

/**
 * An index that PostgreSQL maintains and does not use. An interrupted `create index concurrently` or
 * `reindex index concurrently` leaves one.
 */
export interface InvalidIndex {
  /** With the schema, quoted for a statement. */
  readonly name: string;
  /** The statement that an operator runs to mend it. */
  readonly remedy: string;
}

/** Finds the invalid indexes of the tables of the service. Skips a table while any index on it is being built. */
export async function findInvalidIndexes(sql: Sql): Promise<readonly InvalidIndex[]> {
  const rows = await execute(sql<{ name: string }[]>`
    select format('%I.%I', index_class.relnamespace::regnamespace::name, index_class.relname) as name
    from pg_index join pg_class as index_class on index_class.oid = indexrelid
    where not indisvalid and indrelid in (select to_regclass(name) from unnest(${TABLES}::text[]) as tables (name))
      and not exists (
        select from pg_stat_progress_create_index as building where building.relid = pg_index.indrelid
      )
    order by name`);
  return rows.map(({ name }) => ({ name, remedy: remedyOf(name) }));
}

/** An interrupted rebuild leaves a second index, whose name PostgreSQL has extended. */
function remedyOf(name: string): string {
  return /_cc(?:new|old)\d*"?$/.test(name)
    ? `drop index concurrently ${name}`
    : `reindex index concurrently ${name}`;
}

/**
 * Drops the invalid indexes that the script of a migration creates. `create index if not exists` would keep the invalid
 * index of an operator whose `create index concurrently` was interrupted. If that statement still runs, it holds
 * a lock, and the drop ends at the lock timeout.
 */
export async function dropInvalidIndexes(
  tx: postgres.TransactionSql,
  schema: string,
  script: string,
): Promise<void> {
  const names = [...script.matchAll(CREATED_INDEX)].map(([, name = '']) => name);
  if (names.length === 0) return;
  const invalid = await tx<{ name: string }[]>`
    select relname as name from pg_index join pg_class on pg_class.oid = indexrelid
      join pg_namespace on pg_namespace.oid = relnamespace
    where not indisvalid and nspname = ${schema} and relname = any (${names}::text[])`;
  for (const { name } of invalid) await tx`drop index ${tx(schema)}.${tx(name)}`;
}

const CREATED_INDEX = /^create (?:unique )?index if not exists (\w+)/gm;
