import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { prepareCleanup } from './cleanup.ts';
import { freePort } from './ports.ts';
import { skipFor } from './skip.ts';

/** The folder with the configuration of Prometheus in development. */
export const MONITORING = 'monitoring';

/** Returns whether Prometheus is installed. If not, skips the test, or fails it with CI=true. */
export function requirePrometheus(t: Pick<Test, 'plan'>): boolean {
  if (['prometheus', 'promtool'].every((program) => spawnSync(program, ['--version']).status === 0))
    return true;
  skipFor(t, 'Prometheus');
  return false;
}

/** Runs promtool in the folder of the rules, and returns its output. Rejects if promtool fails. */
export async function promtool(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)('promtool', args, { cwd: MONITORING });
  return stdout + stderr;
}

/** Starts a Prometheus that scrapes the service at `target` every second. It ends with the test. */
export async function startPrometheus(t: Pick<Test, 'teardown'>, target: string) {
  const home = await mkdtemp(join(tmpdir(), 'kinship-prometheus-'));
  await cp(MONITORING, home, { recursive: true });
  const file = join(home, 'prometheus.yml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('app:3000', target).replaceAll(/(?<=_interval: )\d+s/g, '1s'));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    'prometheus',
    [`--config.file=${file}`, `--storage.tsdb.path=${join(home, 'data')}`, `--web.listen-address=${address}`],
    { cwd: home, stdio: 'ignore' },
  );
  const gone = once(child, 'exit');
  const cleanup = prepareCleanup('kill -9 "$1"', [String(child.pid)]);
  child.once('exit', cleanup.dismiss);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await gone;
    await rm(home, { recursive: true });
  });
  return {
    /** The member `data` of an answer of its HTTP API. Rejects while the API does not answer. */
    async ask<Data>(path: string): Promise<Data> {
      const response = await fetch(`http://${address}/api/v1/${path}`);
      const { data } = (await response.json()) as { data: Data };
      return data;
    },
  };
}
