import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
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
    async run(): Promise<void> {
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

/**
 * The account for a server that refuses to run as root: the first of `names` that this machine has. Undefined if this
 * process is not root.
 */
export function unprivilegedAccount(...names: readonly string[]): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = names.flatMap((name) => accounts.filter(([account]) => account === name))[0];
  if (found === undefined) throw new Error(`no account ${names.join(' or ')} to run a server as`);
  return { uid: Number(found[2]), gid: Number(found[3]) };
}
