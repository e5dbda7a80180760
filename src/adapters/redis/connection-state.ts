import type { Redis } from 'ioredis';
import { errorCode, isTlsFailure } from '../../lib/errors.ts';
import type { Log } from '../../ports/log.ts';

/** Matches the errors for a wrong and for a missing password. */
const UNAUTHENTICATED = /WRONGPASS|NOAUTH/;

/** A Cluster rejects the scripts, which use keys of several slots. A Sentinel stores no keys. */
class UnsupportedMode extends Error {
  override readonly name = 'UnsupportedMode';

  constructor(mode: 'cluster' | 'sentinel') {
    const server = mode === 'cluster' ? 'a Redis Cluster' : 'a Sentinel';
    super(`it is ${server}, which is not supported. Set REDIS_URL to a single primary`);
  }
}

/**
 * Logs an outage once, although the driver emits an error at each attempt, and once more if the outage turns out to be
 * a misconfiguration. Disconnects from a server that the service does not support.
 */
export function trackConnection(redis: Redis, log: Log, startWait: number) {
  let isStarting = true;
  let fault: unknown;
  let modeCheck: Promise<void> = Promise.resolve();

  redis.on('error', (error: unknown) => {
    // A misconfiguration at the start is not logged: `connectRedis` rejects with it.
    if (isMisconfigured(error) ? !isStarting && !isMisconfigured(fault) : fault === undefined)
      logOutage(error);
    // A misconfiguration causes further errors, such as a write to a closed socket, which must not replace it.
    if (!isMisconfigured(fault)) fault = error;
    // After a refused SELECT the driver would send the commands to database 0, so the connection is replaced.
    if (isRefusedSelect(error)) redis.disconnect(true);
  });
  redis.on('ready', () => {
    if (fault !== undefined) log.info({}, 'Redis is connected again');
    fault = undefined;
    modeCheck = disconnectIfUnsupported();
  });

  return {
    /** Resolves after the first attempt to connect, whether or not it succeeded. The driver emits its errors. */
    async firstConnection(): Promise<void> {
      await redis.connect().catch((error: unknown) => {
        fault ??= error;
      });
      await modeCheck;
    },

    /** Ends the phase of the start. Returns the misconfiguration that prevents the start, or null. */
    endStart(): Error | null {
      isStarting = false;
      if (isMisconfigured(fault)) return fault;
      if (fault === undefined && redis.status !== 'ready') {
        fault = new Error(`The server was not ready within ${startWait} ms.`);
        logOutage(fault);
      }
      return null;
    },
  };

  async function disconnectIfUnsupported(): Promise<void> {
    const mode = await readMode(redis);
    if (mode !== 'cluster' && mode !== 'sentinel') return;
    fault = new UnsupportedMode(mode);
    if (!isStarting)
      log.error({ err: fault }, 'Redis cannot be used; it is disconnected. Correct REDIS_URL, then restart');
    redis.disconnect();
  }

  function logOutage(error: unknown): void {
    if (isMisconfigured(error))
      log.error(
        { err: error },
        'Redis refused the service, which tries again. Correct Redis, or correct REDIS_URL and restart',
      );
    else log.warn({ err: error }, 'Redis is unreachable; the service reconnects by itself');
  }
}

/** The mode of the server. A user without the right to INFO gets `standalone`, the supported mode. */
async function readMode(redis: Redis): Promise<string> {
  const info = await redis.info('server').catch(() => '');
  return /^redis_mode:(\w+)/m.exec(info)?.[1] ?? 'standalone';
}

function isRefusedSelect(error: unknown): boolean {
  const { command } = error as { command?: { name?: string } };
  return command?.name === 'select';
}

function isMisconfigured(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error instanceof UnsupportedMode || isRefusedSelect(error)) return true;
  return isTlsFailure(errorCode(error)) || UNAUTHENTICATED.test(errorCode(error) || error.message);
}
