import { execFile } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { appendFile, chown, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { prepareCleanup, unprivilegedAccount } from './cleanup.ts';
import { freePort } from './ports.ts';
import { skipFor } from './skip.ts';

const DEBIAN = '/usr/lib/postgresql';
const STOP_AND_REMOVE = '"$1/pg_ctl" -D "$2/data" --mode immediate --wait stop; rm -rf "$2"';

/** A PostgreSQL cluster on 127.0.0.1 that a test may stop, crash and overload. */
export interface PrivatePostgres {
  /** The URL of the database `postgres`, as its superuser. */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** `immediate` simulates a crash: nothing is flushed, and the next start recovers from the write-ahead log. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** Resolves when connections are accepted, on the same port as before. */
  start(): Promise<void>;
}

/** A standby of another cluster. */
export interface Standby extends PrivatePostgres {
  /** Promotes the standby. Resolves when it accepts changes. */
  promote(): Promise<void>;
}

/** Returns whether PostgreSQL's initdb is installed. If not, skips the test, or fails it with CI=true. */
export function requirePrivatePostgres(t: Pick<Test, 'plan'>): boolean {
  if (findPostgresBinaries() !== null) return true;
  skipFor(t, "PostgreSQL's initdb");
  return false;
}

/** Starts a new cluster that ends and is removed with the test. `settings` go into postgresql.conf. */
export async function startPrivatePostgres(
  t: Pick<Test, 'teardown'>,
  { settings = {} }: { readonly settings?: Readonly<Record<string, string>> } = {},
): Promise<PrivatePostgres> {
  const { remove, ...cluster } = await launchPostgres(settings);
  t.teardown(remove);
  return cluster;
}

/** Starts a standby of the primary on this port of 127.0.0.1. It ends and is removed with the test. */
export async function startStandby(
  t: Pick<Test, 'teardown'>,
  primaryPort: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<Standby> {
  const { remove, ...standby } = await launchPostgres(settings, primaryPort);
  t.teardown(remove);
  return standby;
}

/**
 * Like {@link startPrivatePostgres}, but outside of a test: it runs until `remove()` or the end of this
 * process.
 */
export async function launchPostgres(
  settings: Readonly<Record<string, string>>,
  primaryPort?: number,
): Promise<Standby & { remove(): Promise<void> }> {
  const binaries = findPostgresBinaries();
  if (binaries === null) throw new Error('PostgreSQL is not installed');
  const account = unprivilegedAccount('postgres', 'nobody');
  const home = await mkdtemp(join(tmpdir(), 'kinship-pg-'));
  if (account) await chown(home, account.uid, account.gid);
  const dataDir = join(home, 'data');
  const log = join(home, 'log');
  const { run: remove } = prepareCleanup(STOP_AND_REMOVE, [binaries, home], account);

  const run = async (program: string, ...args: string[]) => {
    const env = { PATH: process.env.PATH, LC_ALL: 'C' };
    await promisify(execFile)(join(binaries, program), ['-D', dataDir, ...args], {
      cwd: home,
      env,
      ...account,
    });
  };
  const start = async () => {
    try {
      await run('pg_ctl', '--wait', '--log', log, 'start');
    } catch (cause) {
      throw new Error(`PostgreSQL did not start:\n${await readFile(log, 'utf8')}`, { cause });
    }
  };
  const stop = (mode: 'fast' | 'immediate') => run('pg_ctl', '--wait', '--mode', mode, 'stop');

  const promote = () => run('pg_ctl', '--wait', 'promote');

  try {
    await (primaryPort === undefined
      ? run('initdb', ...INITDB_ARGUMENTS)
      : run('pg_basebackup', ...copyOf(primaryPort)));
    const port = await freePort();
    const own = { listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: home };
    await appendFile(join(dataDir, 'postgresql.conf'), configuration({ ...own, ...settings }));
    await start();
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      port,
      dataDir,
      stop,
      start,
      promote,
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

const INITDB_ARGUMENTS = [
  '--no-sync',
  '--auth=trust',
  '--username=postgres',
  '--encoding=UTF8',
  '--locale=C',
];

/** The arguments of pg_basebackup for a copy that is a standby of its source. */
function copyOf(primaryPort: number): string[] {
  const where = ['--host=127.0.0.1', `--port=${primaryPort}`, '--username=postgres'];
  return [...where, '--no-sync', '--checkpoint=fast', '--write-recovery-conf'];
}

/** The folder of initdb and pg_ctl: on the PATH, otherwise Debian's newest. */
export function findPostgresBinaries(): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...debianFolders()];
  const initdb = folders.map((folder) => join(folder, 'initdb')).find((file) => existsSync(file));
  return initdb === undefined ? null : dirname(realpathSync(initdb));
}

function debianFolders(): string[] {
  if (!existsSync(DEBIAN)) return [];
  const newestFirst = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
  return newestFirst.map((version) => join(DEBIAN, version, 'bin'));
}

function configuration(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  return `\n${lines.join('\n')}\n`;
}
