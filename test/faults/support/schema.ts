import type postgres from 'postgres';

/** The definition of the schema, one line for each part. Two schemas are equal if their lines are equal. */
export async function schemaOf(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ what: string }[]>`
    select concat_ws(' ', 'column', table_name, ordinal_position, column_name, data_type, is_nullable, column_default)
      as what
    from information_schema.columns where table_schema = 'public'
    union all
    select concat_ws(' ', 'relation', relname, relkind, reloptions::text)
    from pg_class where relnamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
    from pg_constraint where connamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'index', indexdef) from pg_indexes where schemaname = 'public'
    union all
    select concat_ws(' ', 'trigger', pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal
    union all
    select concat_ws(' ', 'function', pg_get_functiondef(oid))
    from pg_proc where pronamespace = 'public'::regnamespace
    union all
    select concat_ws(' ', 'migration', version, name, md5) from kinship_migrations
    order by what`;
  return rows.map(({ what }) => what);
}
