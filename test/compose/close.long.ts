import t from 'tap';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { createLocalStores } from '../../src/compose/shared-state.ts';
import type { PrimaryChannel } from '../../src/compose/worker.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';

t.test('a stop closes the database even if the primary does not take the metrics', async (t) => {
  const config = await readConfig({ MAIL: 'off' }, t.testdir());
  const primary: PrimaryChannel = {
    memory: createLocalStores(config),
    runsBackgroundWork: true,
    scrape: async () => '',
    sumSamples: async () => [],
    setSamplesReader() {},
    reportMetrics: () => Promise.reject(new Error('the primary does not answer')),
  };
  const service = await compose(config, createLog('silent'), { primary, limits: { drain: 0 } });
  await t.rejects(service.close(), { message: 'the primary does not answer' });
  const next = await compose(config, createLog('silent'), { limits: { drain: 0 } });
  await t.resolves(next.close(), 'the folder of the database is free again');
});
