import Postgrator from 'postgrator';
import type { Sql } from '../../src/adapters/postgres/connect.ts';
import { MIGRATIONS } from '../../src/adapters/postgres/migrate.ts';
import { TABLE } from '../../src/adapters/postgres/migrations-table.ts';

/** Migrates an empty database up to this version. The later migrations are then due. */
export async function migrateTo(sql: Sql, url: string, version: string): Promise<void> {
  const postgrator = new Postgrator({
    migrationPattern: MIGRATIONS,
    driver: 'pg',
    database: new URL(url).pathname.slice(1),
    schemaTable: `public.${TABLE}`,
    execQuery: async (text) => ({ rows: await sql.unsafe(text) }),
    execSqlScript: async (text) => void (await sql.unsafe(text).simple()),
  });
  await postgrator.migrate(version);
}
