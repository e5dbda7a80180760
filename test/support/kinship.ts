import { execFile } from 'node:child_process';
import { PROGRAM } from './program.ts';

const { PATH = '', HOME = '' } = process.env;

/** The exit code and the output of a command. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `kinship …` as a process. It sees PATH, HOME and `env`. */
export function kinship(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const args = [...PROGRAM, ...words];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: { PATH, HOME, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}
