import type { Redis } from 'ioredis';
import type { Log } from '../../ports/log.ts';

/** What the operator has to mend: a certificate that does not verify, a password that is not right. */
const MISCONFIGURED = /CERT|UNABLE_TO_VERIFY|SELF_SIGNED|WRONGPASS|NOAUTH/;

/** The scripts of the service touch keys of several slots at once, and Sentinels hold no keys. */
class UnsupportedMode extends Error {
  override readonly name = 'UnsupportedMode';

  constructor(mode: 'cluster' | 'sentinel') {
    const what = mode === 'cluster' ? 'a Redis Cluster' : 'a Sentinel';
    super(`it is ${what}, which is not supported: REDIS_URL has to name a single primary`);
  }
}

/** Logs losses, of which the driver tells at every try, and leaves a server that is not what it has to be. */
export function followState(redis: Redis, log: Log, startWait: number) {
  let isStarting = true;
  let error: unknown;
  let checked: Promise<void> = Promise.resolve();

  redis.on('error', (problem: unknown) => {
    // The start rejects with what the operator has to mend, instead of a line in the log.
    if (error === undefined && !(isStarting && isMisconfigured(problem))) logLoss(problem);
    // What follows a fault of the operator, such as a write after the end, does not hide it.
    if (!isMisconfigured(error)) error = problem;
    // Commands would go to database 0 from here on.
    if (isRefusedSelect(problem)) redis.disconnect(true);
  });
  redis.on('ready', () => {
    if (error !== undefined) log.info({}, 'Redis is there again');
    error = undefined;
    checked = leaveUnsupported();
  });

  return {
    /** Resolves when the first attempt is over, whatever came of it: errors come as events. */
    async firstConnection(): Promise<void> {
      await redis.connect().catch((closed: unknown) => {
        error ??= closed;
      });
      await checked;
    },

    /** What the operator has to mend, if anything. */
    endStart(): Error | null {
      isStarting = false;
      if (isMisconfigured(error)) return error;
      if (error === undefined && redis.status !== 'ready') {
        error = new Error(`The server was not ready within ${startWait} ms.`);
        logLoss(error);
      }
      return null;
    },
  };

  async function leaveUnsupported(): Promise<void> {
    const mode = await modeOf(redis);
    if (mode !== 'cluster' && mode !== 'sentinel') return;
    error = new UnsupportedMode(mode);
    if (!isStarting)
      log.error({ err: error }, 'Redis cannot be used, and is left alone until the next start');
    redis.disconnect();
  }

  function logLoss(problem: unknown): void {
    log.warn({ err: problem }, 'Redis cannot be reached');
  }
}

/** A user of the server may lack the right to ask; then it counts as what it should be. */
async function modeOf(redis: Redis): Promise<string> {
  const info = await redis.info('server').catch(() => '');
  return /^redis_mode:(\w+)/m.exec(info)?.[1] ?? 'standalone';
}

function isRefusedSelect(problem: unknown): boolean {
  const { command } = problem as { command?: { name?: string } };
  return command?.name === 'select';
}

function isMisconfigured(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error instanceof UnsupportedMode || isRefusedSelect(error)) return true;
  return MISCONFIGURED.test('code' in error ? String(error.code) : error.message);
}
