import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../load/scenario.ts';

/** A service under measurement, as a process of its own. */
export interface Contestant {
  readonly target: Target;
  readonly pid: number;
  /** Milliseconds from the start of the process until it accepted requests. */
  readonly readyAfter: number;
  stop(): Promise<void>;
}

const READY_WITHIN = 30_000;

/**
 * Starts a Node.js program, which writes a line of JSON with its `url` when it accepts requests. The output of the
 * program goes to a file, as the log of a service does.
 */
export async function startProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Contestant> {
  const folder = mkdtempSync(join(tmpdir(), 'kinship-bench-'));
  const log = join(folder, 'log');
  const file = openSync(log, 'w');
  const { PATH = '', HOME = '' } = process.env;
  const started = performance.now();
  const child = spawn(process.execPath, args, { env: { PATH, HOME, ...env }, stdio: ['ignore', file, file] });
  closeSync(file);
  const gone = once(child, 'exit');
  const killed = () => child.kill('SIGKILL');
  process.once('exit', killed);
  const stop = async () => {
    child.kill('SIGTERM');
    await gone;
    process.off('exit', killed);
    rmSync(folder, { recursive: true });
  };

  while (performance.now() - started < READY_WITHIN && child.exitCode === null) {
    const target = readTarget(readFileSync(log, 'utf8'));
    if (target !== null) return { target, pid: child.pid!, readyAfter: performance.now() - started, stop };
    await sleep(2);
  }
  const words = readFileSync(log, 'utf8');
  await stop();
  throw new Error(`${args.join(' ')} did not get ready:\n${words}`);
}

function readTarget(log: string): Target | null {
  for (const line of log.split('\n').slice(0, -1)) {
    const target = parseTarget(line);
    if (typeof target?.url === 'string') return target;
  }
  return null;
}

function parseTarget(line: string): Target | null {
  try {
    return JSON.parse(line) as Target;
  } catch {
    return null;
  }
}
