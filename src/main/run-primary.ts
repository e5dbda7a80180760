import type { Logger } from '../adapters/telemetry/log.ts';
import { composePrimary } from '../compose/primary.ts';
import type { ServiceUrls } from '../compose/servers.ts';
import type { Config } from '../config.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { STOPS_ON_HANG_UP } from './stop-signals.ts';

/** Milliseconds that this process waits after the deadline of its workers. */
const MARGIN = 1_000;

/** Runs the workers of the service until a signal ends it. Returns the addresses when all workers are ready. */
export async function runPrimary(config: Config, log: Logger, deadline: number): Promise<ServiceUrls> {
  const primary = composePrimary(config, log, deadline);
  let isReady = false;
  if (!STOPS_ON_HANG_UP) process.on('SIGHUP', () => isReady && void primary.reload());
  const stopping = stopOnSignals({ log, deadline: deadline + MARGIN }, primary.stop);
  try {
    const addresses = await primary.start();
    const { publicUrl } = config.http;
    log.info({ ...addresses, publicUrl: publicUrl ?? undefined, workers: config.workers }, 'ready');
    isReady = true;
    return addresses;
  } catch (error) {
    if (stopping.hasBegun()) await new Promise(() => {}); // the stop ends the process
    await primary.stop().catch(() => {}); // the first failure is the one to report
    throw error;
  }
}
