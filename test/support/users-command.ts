import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { postgresStores } from './open-stores.ts';
import { PROGRAM } from './program.ts';

const { PATH = '' } = process.env;

/** Stores on a new database, and the command `kinship users` on it; null if there is no PostgreSQL. */
export async function usersCommand(t: Test, variables: Readonly<Record<string, string>> = {}) {
  const stores = await postgresStores(t);
  if (stores === null) return null;
  const env = { PATH, DATABASE_URL: stores.url, DATA_DIR: t.testdir(), ...variables };

  async function run(args: readonly string[], input = '') {
    const command = spawn(process.execPath, [...PROGRAM, 'users', ...args], { env });
    command.stdin.end(input);
    const ended = new Promise<number | null>((resolve) => command.once('close', resolve));
    const [output, errors, code] = await Promise.all([text(command.stdout), text(command.stderr), ended]);
    return { output, errors, code };
  }
  return { ...stores, env, run };
}

/** A line for `kinship users import`. */
export const userLine = (values: object) =>
  JSON.stringify({ username: 'ann', email: 'ann@example.com', ...values });
