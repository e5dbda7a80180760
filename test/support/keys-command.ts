import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PROGRAM } from './program.ts';

/** The rows that `kinship keys list` prints, without the header, each with its cells. */
export const rowsOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/));

const { PATH = '' } = process.env;

/** Runs the command `keys` as a process. `text` is its output, or its error output if it fails. */
export async function runKeys(env: Record<string, string>, ...command: string[]) {
  const args = [...PROGRAM, 'keys', ...command];
  return promisify(execFile)(process.execPath, args, { env: { PATH, ...env } }).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout, log: stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, text: stderr, log: '' }),
  );
}
