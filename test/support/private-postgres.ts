import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { appendFile, chown, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { type Account, keeper } from './keeper.ts';
import { freePort } from './ports.ts';
import { skipFor } from './skip.ts';

const DEBIAN = '/usr/lib/postgresql';
const STOP_AND_REMOVE = '"$1/pg_ctl" -D "$2/data" --mode immediate --wait stop; rm -rf "$2"';

/** A cluster of one's own, on 127.0.0.1, that may be stopped, crashed and flooded. */
export interface PrivatePostgres {
  /** Of the database `postgres`, as its superuser. */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** `immediate` is a crash: nothing is flushed, and the next start recovers from the log. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** Resolves when connections are accepted, on the same port as before. */
  start(): Promise<void>;
}

/** A cluster that follows another one. */
export interface Standby extends PrivatePostgres {
  /** Resolves when it follows no more, and takes changes of its own. */
  promote(): Promise<void>;
}

/** False, with the test skipped (or, with CI=true, failed), where no PostgreSQL is installed. */
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

/** Starts a cluster that follows the one behind this port of 127.0.0.1, and ends and is removed with the test. */
export async function startStandby(
  t: Pick<Test, 'teardown'>,
  primaryPort: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<Standby> {
  const { remove, ...standby } = await launchPostgres(settings, primaryPort);
  t.teardown(remove);
  return standby;
}

/** As {@link startPrivatePostgres}, for whoever has no test: it lives until `remove()` or this process's end. */
export async function launchPostgres(
  settings: Readonly<Record<string, string>>,
  primaryPort?: number,
): Promise<Standby & { remove(): Promise<void> }> {
  const binaries = findPostgresBinaries();
  if (binaries === null) throw new Error('PostgreSQL is not installed');
  const account = unprivilegedAccount();
  const home = await mkdtemp(join(tmpdir(), 'kinship-pg-'));
  if (account) await chown(home, account.uid, account.gid);
  const dataDir = join(home, 'data');
  const log = join(home, 'log');
  const { act: remove } = keeper(STOP_AND_REMOVE, [binaries, home], account);

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
    await (primaryPort === undefined ? run('initdb', ...NEW) : run('pg_basebackup', ...copyOf(primaryPort)));
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

const NEW = ['--no-sync', '--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C'];

/** With the settings that make it follow what it was copied from. */
function copyOf(primaryPort: number): string[] {
  const where = ['--host=127.0.0.1', `--port=${primaryPort}`, '--username=postgres'];
  return [...where, '--no-sync', '--checkpoint=fast', '--write-recovery-conf'];
}

/** The folder of initdb and pg_ctl: the one on the PATH, else Debian's newest. */
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

/** Whom the server runs as when this is root, which PostgreSQL refuses to be; undefined: as ourselves. */
function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].flatMap((name) => accounts.filter(([account]) => account === name))[0];
  if (found === undefined) throw new Error('no account "postgres" or "nobody" to run PostgreSQL as');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

function configuration(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  return `\n${lines.join('\n')}\n`;
}
