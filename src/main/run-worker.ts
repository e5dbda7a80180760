import closeWithGrace from 'close-with-grace';
import type { Logger } from '../adapters/telemetry/log.ts';
import { joinPrimary } from '../compose/worker.ts';
import { compose } from '../compose.ts';
import type { Config } from '../config.ts';
import { stopAndFlush, stopOptions } from './stop-on-signals.ts';
import { handleStopSignals, STOPS_ON_HANG_UP } from './stop-signals.ts';

/** Runs one worker until its primary stops it. Rejects if it cannot start. */
export async function runWorker(config: Config, log: Logger, deadline: number): Promise<void> {
  let stop: () => void = () => process.exit(0);
  handleStopSignals(() => stop());
  if (!STOPS_ON_HANG_UP) process.on('SIGHUP', () => {}); // the primary reloads the workers
  const { primary, index, workers, reportReady } = await joinPrimary();
  if (workers !== config.workers)
    log.warn({ workers }, 'WORKERS was changed: restart the service to apply it');
  const service = await compose({ ...config, workers }, log, { primary });
  let isStopping = false;
  const { close } = closeWithGrace(stopOptions(log, deadline), async ({ err }) => {
    if (err) log.fatal({ err }, 'stopping after an uncaught error');
    await stopAndFlush(log, service.close);
  });
  stop = () => {
    // The signal of the primary and a signal to the group of processes may both arrive.
    if (!isStopping) close();
    isStopping = true;
  };
  const addresses = await service.listen();
  await reportReady(addresses);
  log.info({ worker: index }, 'worker ready');
}
