import closeWithGrace from 'close-with-grace';
import { createLog, flushLog, type Logger } from '../adapters/telemetry/log.ts';
import { compose, type Service } from '../compose.ts';
import { type Config, ConfigurationError, readConfig } from '../config.ts';
import { onStopSignal } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds in which a stopping service finishes the requests that it accepted. */
const SHUTDOWN_DEADLINE = 10_000;

/**
 * Runs the service until a signal ends it. `release` removes the signal handler of the time before the log
 * exists.
 * A start that fails ends the process with exit code 1.
 */
export async function serve(release: () => void): Promise<void> {
  let log: Logger | undefined;
  try {
    const config = await readConfig();
    const terminal = isForPeople(config) ? await (await import('./terminal.ts')).openTerminal(config) : null;
    log = terminal?.log ?? createLog(config.logLevel);
    await start(config, log, terminal, release);
  } catch (error) {
    if (error instanceof ConfigurationError) process.stderr.write(`${error.message}\n`);
    else await logFailure(log ?? createLog('info'), error);
    process.exit(1);
  }
}

function isForPeople({ production, logFormat }: Config): boolean {
  return logFormat === null ? process.stdout.isTTY && !production : logFormat === 'pretty';
}

async function logFailure(log: Logger, error: unknown): Promise<void> {
  log.level = 'info';
  log.fatal({ err: error }, 'the service did not start');
  await flushLog(log);
}

async function start(
  config: Config,
  log: Logger,
  terminal: Terminal | null,
  release: () => void,
): Promise<void> {
  const releaseSignals = onStopSignal((signal) => {
    log.info({ signal }, 'the start was abandoned');
    process.exit(0);
  });
  release();
  for (const warning of config.warnings) log.warn({}, warning);
  if (config.createdKeys.length > 0)
    log.info({ folder: config.dataDir, keys: config.createdKeys }, 'keys created');

  const service = await compose(config, log, terminal === null ? {} : { events: terminal.events });
  releaseSignals();
  const stopping = stopOnSignals(service, log);
  void service.failed.then(async (err) => {
    log.fatal({ err }, 'the embedded database ended unexpectedly; the service stops');
    await service.close();
    await flushLog(log);
    process.exit(1);
  });

  try {
    const addresses = await service.listen();
    log.info(addresses, 'ready');
    await terminal?.welcome(addresses);
  } catch (error) {
    if (stopping.hasBegun()) return; // a signal closed the server while it began to listen
    await service.close();
    throw error;
  }
}

function stopOnSignals(service: Service, log: Logger): { hasBegun(): boolean } {
  let hasBegun = false;
  closeWithGrace({ delay: SHUTDOWN_DEADLINE, logger: false }, async ({ err, signal }) => {
    hasBegun = true;
    if (err) log.fatal({ err }, 'stopping after an uncaught error');
    else log.info({ signal }, 'stopping');
    await service.close();
    log.info({}, 'stopped');
    await flushLog(log);
  });
  return { hasBegun: () => hasBegun };
}
