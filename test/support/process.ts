import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import type { Test } from 'tap';
import { prepareCleanup } from './cleanup.ts';
import { PROGRAM } from './program.ts';

const READY_WITHIN_MS = 60_000;

/** The service as a process of its own. */
export interface RunningService {
  /** The URL in the log line `ready`. */
  readonly url: string;
  readonly pid: number;
  /** Every line that it has written so far, to stdout or stderr. */
  logs(): string[];
  /**
   * Sends the signal (default: SIGTERM). Resolves when the process is gone, with its exit code, or null if a signal
   * ended it.
   */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/**
 * Starts the service, and resolves once it is ready. It is killed with the test. It sees PATH, HOME and
 * `env`, and no other variable. `args` are the arguments of node: the program by default, `['dist/main.js']`
 * for the build that is published. Rejects with the output if the service ends first, or is not ready within a minute.
 */
export async function startService(
  t: Pick<Test, 'teardown'>,
  {
    env,
    args = PROGRAM,
    cwd = process.cwd(),
  }: {
    readonly env: Readonly<Record<string, string>>;
    readonly args?: readonly string[];
    readonly cwd?: string;
  },
): Promise<RunningService> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...blankDotEnv(), PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = exitOf(child);
  const cleanup = prepareCleanup('kill -9 "$1"', [String(child.pid)]);
  child.once('exit', cleanup.dismiss);
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    return exited;
  };
  const kill = async () => {
    await stop('SIGKILL');
  };
  t.teardown(kill);

  const lines: string[] = [];
  collect(child.stderr, lines);
  const url = await Promise.race([
    readyUrl(collect(child.stdout, lines)),
    exited.then((code) => {
      throw new Error(`the service ended (exit code ${code}) before it was ready:\n${lines.join('\n')}`);
    }),
    delay(READY_WITHIN_MS, undefined, { ref: false }).then(() => {
      throw new Error(`the service was not ready within ${READY_WITHIN_MS} ms:\n${lines.join('\n')}`);
    }),
  ]);
  return { url, pid: child.pid!, logs: () => [...lines], stop, kill };
}

/**
 * A blank value for each name in `.env`, because the service reads that file. Blank means unset, so a
 * developer's values have no effect on a test.
 */
function blankDotEnv(): Record<string, string> {
  if (!existsSync('.env')) return {};
  const names = Object.keys(parseEnv(readFileSync('.env', 'utf8')));
  return Object.fromEntries(names.map((name) => [name, '']));
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const closed = once(child, 'close');
  const [code] = await once(child, 'exit');
  // The pipe may still hold output. But an orphaned child process may hold the pipe open indefinitely.
  await Promise.race([closed, delay(1000, undefined, { ref: false })]);
  return code;
}

function collect(stream: Readable, lines: string[]) {
  return createInterface({ input: stream }).on('line', (line) => lines.push(line));
}

/** A server of another program, as a child process. */
export interface RunningServer {
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/**
 * Resolves once the server has written a line that matches `ready` to stdout. Rejects with its last lines if it ends
 * first. The server does not keep this process alive.
 */
export async function waitForServer(
  child: ChildProcessByStdio<null, Readable, null>,
  ready: RegExp,
): Promise<RunningServer> {
  const gone = once(child, 'exit');
  const lines: string[] = [];
  child.unref();
  const output = collect(child.stdout, lines);
  const isReady = new Promise<void>((resolve) => {
    output.on('line', (line) => {
      if (ready.test(line)) resolve();
    });
  });
  await Promise.race([
    isReady,
    gone.then(() => {
      throw new Error(`${child.spawnfile} ended before it was ready:\n${lines.slice(-30).join('\n')}`);
    }),
  ]);
  (child.stdout as Socket).unref();
  return {
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.ref();
      child.kill('SIGKILL');
      await gone;
    },
  };
}

function readyUrl(output: ReturnType<typeof collect>): Promise<string> {
  return new Promise((resolve) => {
    output.on('line', (line) => {
      const url = urlOfReadyLine(line);
      if (url !== null) resolve(url);
    });
  });
}

function urlOfReadyLine(line: string): string | null {
  try {
    const entry: unknown = JSON.parse(line);
    const { msg, url } = entry as { msg?: unknown; url?: unknown };
    return msg === 'ready' && typeof url === 'string' ? url : null;
  } catch {
    return null;
  }
}
