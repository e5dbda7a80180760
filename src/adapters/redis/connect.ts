import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Log } from '../../ports/log.ts';
import { followState } from './state.ts';

/** Milliseconds. What waits for Redis can do without it, so nothing waits for it long. */
const TIMEOUTS = {
  connectTimeout: 2_000,
  commandTimeout: 500,
  /** A connection that was asked and is silent for so long is given up. */
  socketTimeout: 2_000,
};

/** Milliseconds between two tries to connect. */
const retryStrategy = (tries: number) => Math.min(50 * 2 ** (tries - 1), 1_000);

/** A command fails at once while there is no connection, and when it is lost: none is kept or sent again later. */
const NOTHING_QUEUED = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
};

/** Milliseconds that a start waits for a server that takes the connection but is not ready, as while it loads its data. */
const START_WAIT = 5_000;

/** Milliseconds between two reconnections because the server is a replica. */
const DEMOTION_PAUSE = 1_000;

/** Milliseconds without a refused write, after which the next one is news. */
const DEMOTION_QUIET = 60_000;

/**
 * A connection to `redis://` or, with the certificate verified, `rediss://user:password@host:port/db`, which comes
 * back by itself when it was lost. Its commands reject within half a second. End it with `disconnect()`.
 *
 * Rejects where the server is found but its certificate, our password or the database is wrong, and where it is a
 * Redis Cluster or a Sentinel. A server that is down is no reason not to start: resolves all the same, and connects
 * later. A loss and its end are logged once.
 */
export async function connectRedis(url: string, log: Log): Promise<Redis> {
  const address = addressOf(new URL(url));
  const redis = new Redis({
    ...address,
    ...TIMEOUTS,
    ...NOTHING_QUEUED,
    retryStrategy,
    reconnectOnError: reconnectFromReplica(log),
    lazyConnect: true,
  });
  const state = followState(redis, log, START_WAIT);
  const timer = new AbortController();
  const late = delay(START_WAIT, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([state.firstConnection(), late]);
  timer.abort();
  const fault = state.endStart();
  if (fault === null) return redis;
  redis.disconnect();
  const { host, port, db } = address;
  throw new Error(`Redis at ${host}:${port}/${db} cannot be used: ${fault.message}`, { cause: fault });
}

/**
 * A primary that was demoted keeps its connections and refuses every write. A new connection leads to wherever the
 * name or the proxy leads by then. Asked of each error; true: reconnect.
 */
function reconnectFromReplica(log: Log): (error: Error) => boolean {
  let refusedAt = Number.NEGATIVE_INFINITY;
  let reconnectedAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (!/\bREADONLY\b/.test(error.message)) return false;
    const now = performance.now();
    if (now - refusedAt > DEMOTION_QUIET) log.warn({ err: error }, 'Redis is a replica: connecting anew');
    refusedAt = now;
    if (now - reconnectedAt < DEMOTION_PAUSE) return false;
    reconnectedAt = now;
    return true;
  };
}

/** Of the URL nothing else counts: the driver would take any option of its own from the query, `tls` included. */
function addressOf({ protocol, hostname, port, username, password, pathname }: URL) {
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
