import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type Account, prepareCleanup, unprivilegedAccount } from './cleanup.ts';
import { waitForPort } from './listening.ts';
import { freePort } from './ports.ts';
import { skipFor } from './skip.ts';

const SERVER = 'pgbouncer';

/** Some accounts do not have these folders on their PATH. */
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** The settings of the role for transaction mode, as in docs/database.md. */
export const POOLED_ROLE = {
  statement_timeout: '4s',
  DateStyle: 'ISO, MDY',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  default_transaction_isolation: 'read committed',
};

/** Returns whether PgBouncer is installed. If not, skips the test, or fails it with CI=true. */
export function requirePgBouncer(t: Pick<Test, 'plan'>): boolean {
  if (spawnSync(SERVER, ['--version'], { env: { PATH } }).status === 0) return true;
  skipFor(t, SERVER);
  return false;
}

export interface PgBouncer {
  /** The URL of the same database through the pooler. */
  readonly url: string;
  /** Kills it with all its connections, and starts it again on the same port. */
  restart(): Promise<void>;
}

/**
 * Starts a PgBouncer in front of the server of the URL `database`. `settings` are added to its configuration. It ends
 * with the test.
 */
export async function startPgBouncer(
  t: Pick<Test, 'teardown'>,
  database: string,
  mode: 'session' | 'transaction' | 'statement',
  settings: Readonly<Record<string, string | number>> = {},
): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'kinship-pgbouncer-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const port = await freePort();
  const target = new URL(database);
  await writeFile(join(folder, 'users.txt'), '');
  await writeFile(join(folder, 'pgbouncer.ini'), configuration(target, port, mode, folder, settings));
  const account = unprivilegedAccount('nobody');
  if (account !== undefined) await chown(folder, account.uid, account.gid);

  let stop = await spawnPgBouncer(join(folder, 'pgbouncer.ini'), port, account);
  t.teardown(() => stop());
  const url = new URL(database);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    async restart() {
      await stop();
      stop = await spawnPgBouncer(join(folder, 'pgbouncer.ini'), port, account);
    },
  };
}

function configuration(
  { hostname, port: serverPort, username }: URL,
  port: number,
  mode: string,
  folder: string,
  settings: Readonly<Record<string, string | number>>,
) {
  return `[databases]
* = host=${hostname} port=${serverPort || 5432} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
auth_file = ${folder}/users.txt
pool_mode = ${mode}
log_connections = 0
log_disconnections = 0
${Object.entries(settings)
  .map(([name, value]) => `${name} = ${value}`)
  .join('\n')}
`;
}

async function spawnPgBouncer(
  file: string,
  port: number,
  account: Account | undefined,
): Promise<() => Promise<void>> {
  const child = spawn(SERVER, ['--quiet', file], {
    env: { PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...account,
  });
  const cleanup = prepareCleanup('kill -9 "$1"', [String(child.pid)]);
  child.once('exit', cleanup.dismiss);
  const gone = once(child, 'exit');
  let errorOutput = '';
  child.stderr.on('data', (text: Buffer) => {
    errorOutput += text;
  });
  const ended = gone.then(() => {
    throw new Error(`PgBouncer ended before it was ready:\n${errorOutput}`);
  });
  await Promise.race([waitForPort(port), ended]);
  return () => kill(child, gone);
}

async function kill(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await gone;
}
