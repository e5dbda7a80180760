import { isWorker } from '../adapters/cluster/worker-process.ts';
import { DatabaseUnusable } from '../adapters/postgres/connection/session.ts';
import { FolderInUse } from '../adapters/postgres/embedded/lock.ts';
import {
  createLog,
  createReadableLog,
  flushLog,
  isForPeople,
  type Logger,
} from '../adapters/telemetry/log.ts';
import { describeFailure } from '../cli/describe-failure.ts';
import { compose } from '../compose.ts';
import { type Config, ConfigurationError, readConfig } from '../config.ts';
import { commandLine } from '../lib/command-line.ts';
import { ServerUnusable } from '../lib/errors.ts';
import { StoreUnavailable } from '../ports/stores/store-unavailable.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { handleStopSignals, STOPS_ON_HANG_UP } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds in which a stopping service finishes the requests that it accepted. */
const SHUTDOWN_DEADLINE = 10_000;

const NO_RELOAD =
  'one process cannot reload without failed requests: set WORKERS to 2 or more, or restart the service';

/** Runs the service until a signal ends it. A start that fails ends the process with exit code 1. */
export async function serve(): Promise<void> {
  let log: Logger | undefined;
  try {
    const config = await readConfig();
    const isReadable = isForPeople(config, process.stdout);
    if (isWorker()) {
      log = isReadable ? await createReadableLog(config.logLevel) : createLog(config.logLevel);
      return await (await import('./run-worker.ts')).runWorker(config, log, SHUTDOWN_DEADLINE);
    }
    const terminal = isReadable ? await (await import('./terminal.ts')).openTerminal(config) : null;
    log = terminal?.log ?? createLog(config.logLevel);
    reportConfig(config, log);
    if (config.workers > 1) await startWorkers(config, log, terminal);
    else await start(config, log, terminal);
  } catch (error) {
    // The configured format of the log is not known yet. On a terminal a person reads plain lines.
    if (error instanceof ConfigurationError && log === undefined && process.stdout.isTTY)
      process.stderr.write(`${error.message}\n`);
    else await logFailure(log ?? createLog('info'), error);
    process.exit(1);
  }
}

async function logFailure(log: Logger, error: unknown): Promise<void> {
  log.level = 'info';
  // These errors have a message for operators, so their stack is not logged.
  if (error instanceof ConfigurationError) {
    for (const warning of error.warnings) log.warn({}, warning);
    for (const fault of error.faults) log.fatal({}, fault);
  } else if (error instanceof FolderInUse) log.fatal({}, `the service did not start: ${error.message}`);
  else if (isServerFault(error)) {
    const fault = describeServerFault(error).replace(/\.$/, '');
    log.fatal({}, `the service did not start: ${fault}; ${commandLine('doctor')} says what to correct`);
  } else log.fatal({ err: error }, 'the service did not start');
  await flushLog(log);
}

function isServerFault(error: unknown): error is Error {
  return error instanceof StoreUnavailable || error instanceof ServerUnusable;
}

function describeServerFault(error: Error): string {
  const isDatabase = error instanceof StoreUnavailable || error instanceof DatabaseUnusable;
  return isDatabase ? `the database cannot be used: ${describeFailure(error)}` : error.message;
}

/** With several workers, only their primary calls this function. */
function reportConfig({ warnings, createdKeys, dataDir }: Config, log: Logger): void {
  for (const warning of warnings) log.warn({}, warning);
  if (createdKeys.length > 0) log.info({ folder: dataDir, keys: createdKeys }, 'keys created');
}

async function startWorkers(config: Config, log: Logger, terminal: Terminal | null): Promise<void> {
  const { runPrimary } = await import('./run-primary.ts');
  const addresses = await runPrimary(config, log, SHUTDOWN_DEADLINE);
  await terminal?.welcome(addresses);
}

async function start(config: Config, log: Logger, terminal: Terminal | null): Promise<void> {
  handleStopSignals((signal) => {
    log.info({ signal }, 'the start was abandoned');
    process.exit(0);
  });
  const service = await compose(config, log, terminal === null ? {} : { events: terminal.events });
  if (!STOPS_ON_HANG_UP) process.on('SIGHUP', () => log.warn({}, NO_RELOAD));
  const stopping = stopOnSignals({ log, deadline: SHUTDOWN_DEADLINE }, service.close);
  void service.failure.then(async (err) => {
    log.fatal({ err }, 'the embedded database ended unexpectedly; the service stops');
    await service.close();
    await flushLog(log);
    process.exit(1);
  });

  try {
    const addresses = await service.listen();
    log.info({ ...addresses, publicUrl: config.http.publicUrl ?? undefined }, 'ready');
    await terminal?.welcome(addresses);
  } catch (error) {
    if (stopping.hasBegun()) return; // a signal closed the server while it began to listen
    await service.close();
    throw error;
  }
}
