import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { PROGRAM } from './program.ts';
import { skipFor } from './skip.ts';

const SHOWN_WITHIN = 90_000;

/**
 * Returns whether `script`, which makes pseudo-terminals, works. If not, skips the test, or fails it with
 * CI=true.
 */
export function requireTerminal(t: Pick<Test, 'plan'>): boolean {
  if (spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0) return true;
  skipFor(t, 'script');
  return false;
}

/** Runs `kinship …` on a new pseudo-terminal. It is killed with the test. */
export function onTerminal(
  t: Pick<Test, 'teardown'>,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
) {
  return nodeOnTerminal(t, [...PROGRAM, ...words], env);
}

/** Runs node with these arguments, which a shell reads, on a new pseudo-terminal. It is killed with the test. */
export function nodeOnTerminal(
  t: Pick<Test, 'teardown'>,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
) {
  const { PATH = '', HOME = '' } = process.env;
  const command = ['exec', process.execPath, ...args].join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH, HOME, TERM: 'xterm', ...env },
  });
  const exit = once(child, 'exit');
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  return {
    text: () => text,
    /** Resolves once the terminal shows the pattern. */
    async waitFor(pattern: RegExp): Promise<void> {
      const end = performance.now() + SHOWN_WITHIN;
      while (!pattern.test(text)) {
        if (performance.now() > end) throw new Error(`the terminal does not show ${pattern}, but ${text}`);
        await delay(50);
      }
    },
    /** Ctrl-C; resolves with the exit code. */
    async interrupt(): Promise<unknown> {
      child.stdin.write('\u0003');
      return (await exit)[0];
    },
    /** The terminal takes no more bytes than its buffer holds, as after Ctrl-S, until `thaw` is called. */
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    /** The terminal goes away, as when its window is closed. */
    close: () => void child.kill('SIGKILL'),
    exitCode: async (): Promise<unknown> => (await exit)[0],
  };
}
