import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import tap, { type Test } from 'tap';
import { connect, type Sql } from '../../src/adapters/postgres/connect.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import { findPostgresBinaries, launchPostgres } from './private-postgres.ts';
import { skipFor } from './skip.ts';
import { waitUntil } from './wait-until.ts';

const LOCAL = 'postgres://postgres@127.0.0.1:5432/postgres';

let server: Promise<string | null> | undefined;

/**
 * The URL of a PostgreSQL server for test databases; null if there is none. The first of: TEST_DATABASE_URL,
 * a server on the standard port, a new server of this process. Rejects if TEST_DATABASE_URL is set and cannot
 * be used.
 */
export function postgresServer(): Promise<string | null> {
  server ??= findServer();
  return server;
}

/** Returns whether there is a PostgreSQL server. If not, skips the test, or fails it with CI=true. */
export async function requirePostgres(t: Pick<Test, 'plan'>): Promise<boolean> {
  if ((await postgresServer()) !== null) return true;
  skipFor(t, 'PostgreSQL');
  return false;
}

/** The URL of a new, empty database, which is dropped with the test. Call {@link requirePostgres} first. */
export function testDatabase(t: Pick<Test, 'teardown'>): Promise<string> {
  // The encoding and the collation do not depend on the locale of the server.
  return createDatabase(t, "template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'");
}

/** The URL of a new database with the current schema, which is dropped with the test. */
export async function migratedDatabase(t: Pick<Test, 'teardown'>): Promise<string> {
  template ??= migratedTemplate();
  return createDatabase(t, await template);
}

/** Made once by each process, because a copy costs a fraction of a migration. */
let template: Promise<string> | undefined;

async function migratedTemplate(): Promise<string> {
  const url = await testDatabase(tap);
  const sql = connect({ kind: 'url', url, pool: 1 });
  await migrate(sql);
  // A database with connections cannot be copied.
  await sql.end();
  return new URL(url).pathname.slice(1);
}

async function createDatabase(t: Pick<Test, 'teardown'>, from: string): Promise<string> {
  const admin = await postgresServer();
  if (admin === null) throw new Error('PostgreSQL is missing');
  const name = `kinship_test_${randomBytes(8).toString('hex')}`;
  await run(admin, `create database ${name} template ${from}`);
  // Saves a wait for the disk at each commit. Only a crash of the server loses commits then, and tests of a crash start
  // their own server.
  await run(admin, `alter database ${name} set synchronous_commit = off`);
  t.teardown(() => run(admin, `drop database if exists ${name} with (force)`));
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return url.href;
}

/** The URL with a new superuser role that has these settings. The role is dropped with the test. */
export async function testRole(
  t: Pick<Test, 'teardown'>,
  url: string,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  const role = `kinship_role_${randomBytes(6).toString('hex')}`;
  await admin.unsafe(`create role ${role} superuser login`);
  for (const [name, value] of Object.entries(settings))
    await admin.unsafe(`alter role ${role} set ${name} = '${value}'`);
  t.teardown(async () => {
    await admin.unsafe(`reassign owned by ${role} to postgres; drop role ${role}`);
    await admin.end({ timeout: 1 });
  });
  const own = new URL(url);
  own.username = role;
  return own.href;
}

async function findServer(): Promise<string | null> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) {
    await run(given, 'select 1');
    return given;
  }
  const answers = await run(LOCAL, 'select 1').then(
    () => true,
    () => false,
  );
  if (answers) return LOCAL;
  if (findPostgresBinaries() === null) return null;
  const own = await launchPostgres({ fsync: 'off' });
  return own.url;
}

async function run(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Resolves when `count` statements on this database wait for a lock. */
export async function waitForLocks(sql: Sql, count: number): Promise<void> {
  await waitUntil(async () => {
    const waiting = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return waiting.length >= count;
  });
}
