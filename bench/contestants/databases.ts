import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { launchPostgres } from '../../test/support/private-postgres.ts';

/** A PostgreSQL server that only the benchmark uses. It has the default settings, durability included. */
export interface Databases {
  readonly version: string;
  /** The id of the postmaster, whose children serve the connections. */
  readonly pid: number;
  /** URL of a new, empty database. */
  create(name: string): Promise<string>;
  remove(): Promise<void>;
}

export async function openDatabases(): Promise<Databases> {
  const { url, dataDir, remove } = await launchPostgres({});
  return {
    version: (await statement(url, 'show server_version'))[0]?.server_version,
    pid: Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]),
    async create(name) {
      await statement(url, `create database ${name}`);
      return Object.assign(new URL(url), { pathname: `/${name}` }).href;
    },
    remove,
  };
}

/** Runs one statement on a connection of its own. */
export async function statement(url: string, text: string): Promise<postgres.RowList<postgres.Row[]>> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}
