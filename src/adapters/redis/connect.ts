import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import { ServerUnusable } from '../../lib/errors.ts';
import { waitAtMost } from '../../lib/time.ts';
import type { Log } from '../../ports/log.ts';
import { trackConnection } from './connection-state.ts';

/** Milliseconds. All limits are short, because the service works without Redis. */
const TIMEOUTS = {
  connectTimeout: 2_000,
  commandTimeout: 500,
  /** The driver closes a connection that does not answer a command within this time. */
  socketTimeout: 2_000,
};

/** Returns the delay in milliseconds before an attempt to connect. Attempts are counted from 1. */
const retryStrategy = (attempt: number) => Math.min(50 * 2 ** (attempt - 1), 1_000);

/** A command fails at once if there is no connection or its connection is lost. It is never sent later. */
const NO_QUEUE = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
};

/** Milliseconds that a start waits for a server that accepts connections but is still loading its data. */
const START_WAIT = 5_000;

/** Minimum milliseconds between two reconnections from a server that is a replica. */
const DEMOTION_PAUSE = 1_000;

/** Milliseconds. After this time without a refused write, the next refused write is logged again. */
const DEMOTION_QUIET = 60_000;

/**
 * Connects to `redis://user:password@host:port/db`, or with TLS to `rediss://…`. The certificate is always verified.
 * The connection reconnects by itself. A command that has no answer after half a second rejects. End the connection
 * with `disconnect()`.
 *
 * Rejects if the certificate, the password or the database number is wrong, and for a Redis Cluster or a Sentinel. If
 * the server is down, the function resolves, and the driver connects later. An outage and its end are logged once.
 */
export async function connectRedis(url: string, log: Log): Promise<Redis> {
  const address = parseRedisUrl(new URL(url));
  const redis = new Redis({
    ...address,
    ...TIMEOUTS,
    ...NO_QUEUE,
    retryStrategy,
    reconnectOnError: reconnectFromReplica(log),
    lazyConnect: true,
  });
  const state = trackConnection(redis, log, START_WAIT);
  await waitAtMost(START_WAIT, state.firstConnection());
  const fault = state.endStart();
  if (fault === null) return redis;
  redis.disconnect();
  const { host, port, db } = address;
  throw new ServerUnusable(`Redis at ${host}:${port}/${db} cannot be used: ${fault.message}`, {
    cause: fault,
  });
}

/**
 * A demoted primary keeps its connections and refuses every write. A new connection follows the DNS name or the proxy
 * to the new primary. The driver calls the returned function with each error, and reconnects if it returns true.
 */
function reconnectFromReplica(log: Log): (error: Error) => boolean {
  let refusedAt = Number.NEGATIVE_INFINITY;
  let reconnectedAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (!/\bREADONLY\b/.test(error.message)) return false;
    const now = performance.now();
    if (now - refusedAt > DEMOTION_QUIET)
      log.warn({ err: error }, 'Redis is a read-only replica; reconnecting to find the primary');
    refusedAt = now;
    if (now - reconnectedAt < DEMOTION_PAUSE) return false;
    reconnectedAt = now;
    return true;
  };
}

/** Ignores the query of the URL. Otherwise the driver would read any of its options from the query, including `tls`. */
function parseRedisUrl({ protocol, hostname, port, username, password, pathname }: URL) {
  const host = decodeURIComponent(hostname.replace(/^\[|\]$/g, ''));
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return {
    host,
    port: Number(port || 6379),
    db: Number(pathname.slice(1)),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: { rejectUnauthorized: true, ...servername } }),
  };
}
