import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Prepares a clean-up script that runs even if this process is killed. A detached shell waits for the end of
 * a pipe that this process holds open, then runs the script. `args` are $1, $2 and so on.
 */
export function prepareCleanup(script: string, args: readonly string[], account?: Account) {
  const shell = spawn('/bin/sh', ['-c', `read -r _ && exit; ${script}`, 'sh', ...args], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    ...account,
  });
  const gone = once(shell, 'exit');
  shell.unref();
  (shell.stdin as Socket).unref();
  return {
    /** Runs the script now, and resolves when it has ended. */
    async act(): Promise<void> {
      shell.ref();
      shell.stdin.end();
      await gone;
    },
    /** Cancels the script. */
    dismiss(): void {
      shell.stdin.end('\n');
    },
  };
}
