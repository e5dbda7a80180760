import closeWithGrace from 'close-with-grace';
import { createLog, flushLog, type Logger } from '../adapters/telemetry/log.ts';
import { compose, type Service } from '../compose.ts';
import { ConfigurationError, readConfig } from '../config.ts';
import { onStopSignal } from './stop-signals.ts';

/** Milliseconds in which a stopping service finishes what it accepted. */
const SHUTDOWN_DEADLINE = 10_000;

/**
 * Runs the service until a signal ends it. `release` removes the handler of signals that holds until the log exists.
 * A start that fails ends the process with exit code 1.
 */
export async function serve(release: () => void): Promise<void> {
  try {
    await start(release);
  } catch (error) {
    if (error instanceof ConfigurationError) process.stderr.write(`${error.message}\n`);
    else await logFailure(error);
    process.exit(1);
  }
}

async function logFailure(error: unknown): Promise<void> {
  const log = createLog('info');
  log.fatal({ err: error }, 'the service did not start');
  await flushLog(log);
}

async function start(release: () => void): Promise<void> {
  const config = await readConfig();
  const log = createLog(config.logLevel);
  const releaseSignals = onStopSignal((signal) => {
    log.info({ signal }, 'the start was abandoned');
    process.exit(0);
  });
  release();
  for (const warning of config.warnings) log.warn({}, warning);

  const service = await compose(config, log);
  releaseSignals();
  const stopping = stopOnSignals(service, log);
  void service.failed.then(async (err) => {
    log.fatal({ err }, 'the database died');
    await service.close();
    await flushLog(log);
    process.exit(1);
  });

  try {
    log.info(await service.listen(), 'ready');
  } catch (error) {
    if (stopping.hasBegun()) return; // a server that is closed while it begins to listen
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
