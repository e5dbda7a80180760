import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Sees to it that nothing outlives a test, not even one whose process is killed: a shell of its own waits for the
 * end of a pipe that this process holds, and then runs the script, with `args` as $1 and on.
 */
export function keeper(script: string, args: readonly string[], account?: Account) {
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
    /** Runs the script now, and resolves when it is through. */
    async act(): Promise<void> {
      shell.ref();
      shell.stdin.end();
      await gone;
    },
    /** The script is not to run any more. */
    dismiss(): void {
      shell.stdin.end('\n');
    },
  };
}
