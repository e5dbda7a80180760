import closeWithGrace from 'close-with-grace';
import { createLog } from './adapters/telemetry/log.ts';
import { compose } from './compose.ts';
import { ConfigurationError, readConfig } from './config.ts';

/** Milliseconds in which a stopping service finishes what it accepted. */
const SHUTDOWN_DEADLINE = 10_000;

try {
  await start();
} catch (error) {
  if (error instanceof ConfigurationError) process.stderr.write(`${error.message}\n`);
  else createLog('info').fatal({ err: error }, 'the service did not start');
  process.exit(1);
}

async function start(): Promise<void> {
  const config = await readConfig();
  const log = createLog(config.logLevel);
  for (const warning of config.warnings) log.warn({}, warning);

  const service = await compose(config, log);
  closeWithGrace({ delay: SHUTDOWN_DEADLINE, logger: false }, async ({ err, signal }) => {
    if (err) log.fatal({ err }, 'stopping after an error that nobody caught');
    else log.info({ signal }, 'stopping');
    await service.close();
    log.info({}, 'stopped');
  });

  void service.failed.then(async (err) => {
    log.fatal({ err }, 'the database died');
    await service.close();
    process.exit(1);
  });

  const ready = await service.listen().catch(async (error: unknown) => {
    await service.close();
    throw error;
  });
  log.info(ready, 'ready');
}
