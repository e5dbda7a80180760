import { isIPv6 } from 'node:net';
import { availableParallelism } from 'node:os';
import type { PoolerMode } from '../adapters/postgres/connection/session.ts';
import { readConnectionUrl } from '../adapters/postgres/connection/url.ts';
import type { Variables } from './environment.ts';
import { namesOneHost, type Readers } from './values.ts';

export type DatabaseConfig =
  | {
      readonly kind: 'url';
      readonly url: string;
      readonly pool: number;
      readonly pooler: PoolerMode;
      /** Null: the `search_path` of the role decides. */
      readonly schema: string | null;
    }
  | { readonly kind: 'embedded' };

/** The URL of Redis; null: each replica uses its own memory instead. */
export function readRedis({ REDIS_URL }: Variables, read: Readers): string | null {
  if (REDIS_URL === '') return null;
  if (!isRedisUrl(REDIS_URL)) {
    const wanted =
      'a URL such as redis://host:6379/0, whose path is the number of a database, or rediss:// for TLS';
    read.reportInvalidSecret('REDIS_URL', wanted);
  }
  return REDIS_URL;
}

function isRedisUrl(value: string): boolean {
  if (!/^rediss?:\/\//.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return /^\/?\d{0,9}$/.test(url.pathname) && namesOneHost(url);
}

/** The database: PostgreSQL, given by a URL or by parts. The embedded database if neither is set. */
export function readDatabase(variables: Variables, read: Readers): DatabaseConfig {
  const { DATABASE_URL, POSTGRES_HOST } = variables;
  if (DATABASE_URL === '' && POSTGRES_HOST === '') return { kind: 'embedded' };
  const pooler = read.choice('DATABASE_POOLER', variables.DATABASE_POOLER, ['session', 'transaction']);
  const schema = readSchema(variables, read);
  const pool = read.integer('DATABASE_POOL', variables.DATABASE_POOL, 1, 200);
  if (DATABASE_URL !== '') {
    readConnectionUrl(DATABASE_URL, (sentence) => read.reportFault('DATABASE_URL', sentence));
    return { kind: 'url', url: DATABASE_URL, pool, pooler, schema };
  }
  const host = read.host('POSTGRES_HOST', POSTGRES_HOST, 'POSTGRES_PORT');
  const port = read.integer('POSTGRES_PORT', variables.POSTGRES_PORT, 1, 65_535);
  const [user, password, database] = [
    variables.POSTGRES_USER,
    variables.POSTGRES_PASSWORD,
    variables.POSTGRES_DB || variables.POSTGRES_USER,
  ].map(encodeURIComponent);
  const credentials = password === '' ? user : `${user}:${password}`;
  const authority = isIPv6(host) ? `[${host}]` : host;
  return {
    kind: 'url',
    url: `postgres://${credentials}@${authority}:${port}/${database}`,
    pool,
    pooler,
    schema,
  };
}

/** The maximum of WORKERS, also of `auto` on a machine with more processors. */
const MAX_WORKERS = 64;

/**
 * The number of processes that answer requests. `auto` is one for each processor, up to {@link MAX_WORKERS}. Only one
 * process can open the embedded database, so `auto` is 1 there.
 */
export function readWorkers({ WORKERS }: Variables, database: DatabaseConfig, read: Readers): number {
  const isEmbedded = database.kind === 'embedded';
  if (WORKERS === 'auto') return isEmbedded ? 1 : Math.min(availableParallelism(), MAX_WORKERS);
  if (!/^\d+$/.test(WORKERS) || Number(WORKERS) < 1 || Number(WORKERS) > MAX_WORKERS) {
    read.reportInvalid('WORKERS', WORKERS, `a whole number from 1 to ${MAX_WORKERS}, or auto`);
    return 1;
  }
  if (isEmbedded && WORKERS !== '1')
    read.reportInvalid(
      'WORKERS',
      WORKERS,
      '1 with the embedded database: set DATABASE_URL for more processes',
    );
  return Number(WORKERS);
}

/** The name of the schema, which must need no quotes in SQL; null if the variable is not set. */
function readSchema({ DATABASE_SCHEMA }: Variables, read: Readers): string | null {
  if (DATABASE_SCHEMA === '') return null;
  if (!/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(DATABASE_SCHEMA)) {
    const wanted =
      'the name of a schema in small letters, digits and underscores that does not begin with pg_';
    read.reportInvalid('DATABASE_SCHEMA', DATABASE_SCHEMA, wanted);
  }
  return DATABASE_SCHEMA;
}

/** Warnings about a valid configuration that may not be intended. */
export function databaseWarnings(database: DatabaseConfig): string[] {
  if (database.kind !== 'embedded') return [];
  return [
    'The embedded database survives a killed process but not a power cut: set DATABASE_URL in production.',
  ];
}
