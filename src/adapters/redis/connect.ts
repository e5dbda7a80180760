import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import type { Log } from '../../ports/log.ts';

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

/** What the operator has to mend: a certificate that does not verify, a password that is not right. */
const MISCONFIGURED = /CERT|UNABLE_TO_VERIFY|SELF_SIGNED|WRONGPASS|NOAUTH/;

/**
 * A connection to `redis://` or, with the certificate verified, `rediss://user:password@host:port/db`, which comes
 * back by itself when it was lost. Its commands reject within half a second. End it with `disconnect()`.
 *
 * Rejects where the server is found but its certificate or our password is wrong. A server that is down is no reason
 * not to start: resolves all the same, and connects later. A loss and its end are logged once.
 */
export async function connectRedis(url: string, log: Log): Promise<Redis> {
  const redis = new Redis({
    ...addressOf(new URL(url)),
    ...TIMEOUTS,
    ...NOTHING_QUEUED,
    retryStrategy,
    lazyConnect: true,
  });
  const lastError = logLosses(redis, log);
  try {
    await redis.connect();
  } catch (closed) {
    const error = lastError() ?? closed;
    if (!isMisconfigured(error)) return redis;
    redis.disconnect();
    throw error;
  }
  return redis;
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

/** The driver tells of every try that fails. */
function logLosses(redis: Redis, log: Log): () => unknown {
  let error: unknown;
  redis.on('error', (problem: unknown) => {
    if (error === undefined) log.warn({ err: problem }, 'Redis cannot be reached');
    error = problem;
  });
  redis.on('ready', () => {
    if (error !== undefined) log.info({}, 'Redis is there again');
    error = undefined;
  });
  return () => error;
}

function isMisconfigured(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return MISCONFIGURED.test('code' in error ? String(error.code) : error.message);
}
