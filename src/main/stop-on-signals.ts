import closeWithGrace, { type Options } from 'close-with-grace';
import { flushLog, type Logger } from '../adapters/telemetry/log.ts';
import { handleStopSignals } from './stop-signals.ts';

/** Milliseconds. npm passes the SIGINT of a terminal on to a process that has already got it. */
const REPEATED_WITHIN = 1_000;

interface StopOptions {
  readonly log: Logger;
  /** Milliseconds after which the process ends even if `stop` has not finished. */
  readonly deadline: number;
}

/**
 * The options of close-with-grace. It handles none of the usual signals: it would end the process at the second one.
 * Its logger is off, because its lines are not JSON.
 */
export function stopOptions(log: Logger, deadline: number): Options {
  return {
    delay: deadline,
    logger: false,
    skip: ['SIGTERM', 'SIGINT', 'SIGHUP'],
    onTimeout: () => log.error({ deadline }, 'the stop did not finish in time; the process ends now'),
    onSecondError: (err) => log.fatal({ err }, 'a second uncaught error; the process ends now'),
  };
}

/** Calls `stop`, logs its failure, and flushes the log. Rejects if `stop` fails. */
export async function stopAndFlush(log: Logger, stop: () => Promise<void>): Promise<void> {
  try {
    await stop();
  } catch (err) {
    log.error({ err }, 'the stop failed');
    throw err;
  } finally {
    await flushLog(log);
  }
}

/**
 * Stops the process once, at the first signal or uncaught error: calls `stop`, flushes the log and exits. A further
 * signal, more than a second later, ends the process at once. A further SIGHUP has no effect: a closed terminal must not
 * cut off the stop.
 */
export function stopOnSignals(
  { log, deadline }: StopOptions,
  stop: () => Promise<void>,
): { hasBegun(): boolean } {
  let begunAt: number | null = null;
  const { close } = closeWithGrace(stopOptions(log, deadline), async (cause) => {
    begunAt ??= performance.now();
    if (cause.err) log.fatal({ err: cause.err }, 'stopping after an uncaught error');
    else if (cause.signal) log.info({ signal: cause.signal }, 'stopping');
    await stopAndFlush(log, async () => {
      await stop();
      log.info({}, 'stopped');
    });
  });
  handleStopSignals((signal) => {
    if (begunAt === null) {
      log.info({ signal }, 'stopping');
      close();
    } else if (signal !== 'SIGHUP' && performance.now() - begunAt > REPEATED_WITHIN) process.exit(1);
  });
  return { hasBegun: () => begunAt !== null };
}
