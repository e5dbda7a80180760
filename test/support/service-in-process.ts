import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { createLog } from '../../src/adapters/telemetry/log.ts';
import { compose, type Overrides } from '../../src/compose.ts';
import { readConfig } from '../../src/config.ts';

/** A folder that is removed after every service of the test has closed: teardown runs last to first. */
export async function dataDir(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-data-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

/**
 * Starts the whole service in this process, with this environment and on a free port. It closes with the
 * test.
 */
export async function startServiceInProcess(
  t: Test,
  env: Readonly<Record<string, string>>,
  overrides: Overrides = {},
) {
  const lines: string[] = [];
  const config = await readConfig({ API_PORT: '0', ...env }, t.testdir());
  const log = createLog('info', { write: (line) => void lines.push(line) });
  const service = await compose(config, log, { limits: { drain: 0 }, ...overrides });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= service.close();
    return closed;
  };
  t.teardown(close);
  return { ...(await service.listen()), lines, close };
}
