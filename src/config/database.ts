import { isIPv6 } from 'node:net';
import type { Variables } from './environment.ts';
import type { Readers } from './values.ts';

export type DatabaseConfig =
  | { readonly kind: 'url'; readonly url: string; readonly pool: number }
  | { readonly kind: 'embedded' };

/** Redis by URL, or null for this process's memory. */
export function readRedis({ REDIS_URL }: Variables, read: Readers): string | null {
  if (REDIS_URL === '') return null;
  if (!isRedisUrl(REDIS_URL)) {
    const wants =
      'a URL such as redis://host:6379/0, the path being the number of a database, or rediss:// for TLS';
    read.wrong('REDIS_URL', '(not shown)', wants);
  }
  return REDIS_URL;
}

/** With escapes that can be read: the adapter decodes each part. */
function isRedisUrl(value: string): boolean {
  if (!/^rediss?:\/\/[^/]/.test(value) || !URL.canParse(value)) return false;
  const { hostname, username, password, pathname } = new URL(value);
  return /^\/?\d{0,9}$/.test(pathname) && [hostname, username, password].every(canDecode);
}

function canDecode(part: string): boolean {
  try {
    return decodeURIComponent(part) !== null;
  } catch {
    return false;
  }
}

/** PostgreSQL by URL or by parts, or the embedded database when neither is given. */
export function readDatabase(variables: Variables, read: Readers): DatabaseConfig {
  const { DATABASE_URL, POSTGRES_HOST } = variables;
  if (DATABASE_URL === '' && POSTGRES_HOST === '') return { kind: 'embedded' };
  const pool = read.integer('DATABASE_POOL', variables.DATABASE_POOL, 1, 200);
  if (DATABASE_URL !== '') {
    if (!isPostgresUrl(DATABASE_URL)) {
      const wants = 'a URL such as postgres://user:password@host:5432/database, of one host';
      read.wrong('DATABASE_URL', '(not shown)', wants);
    }
    return { kind: 'url', url: DATABASE_URL, pool };
  }
  const host = read.host('POSTGRES_HOST', POSTGRES_HOST);
  const port = read.integer('POSTGRES_PORT', variables.POSTGRES_PORT, 1, 65_535);
  const [user, password, database] = [
    variables.POSTGRES_USER,
    variables.POSTGRES_PASSWORD,
    variables.POSTGRES_DB || variables.POSTGRES_USER,
  ].map(encodeURIComponent);
  const credentials = password === '' ? user : `${user}:${password}`;
  const authority = isIPv6(host) ? `[${host}]` : host;
  return { kind: 'url', url: `postgres://${credentials}@${authority}:${port}/${database}`, pool };
}

/**
 * With a host: without one the driver would look for it in variables of its own. And with one only: of several the
 * first would be dialled and no other, which is found out when that one is away.
 */
function isPostgresUrl(value: string): boolean {
  if (!/^postgres(ql)?:\/\//.test(value) || !URL.canParse(value)) return false;
  return /^[^,]+$/.test(new URL(value).hostname);
}
