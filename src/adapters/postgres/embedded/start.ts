import { existsSync } from 'node:fs';
import { mkdir, readFile, realpath, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';
import { makeFolder } from '../../../lib/make-folder.ts';
import { runAll } from '../../../lib/run-all.ts';
import { FolderInUse, isAnswered, lockFolder } from './lock.ts';
import { createSocketPath } from './socket-path.ts';
import { type ServingThread, serveDatabase } from './thread.ts';

/**
 * An empty database, made by `npm run build`. The first start unpacks it: PGlite needs seconds to create a database.
 */
const ARCHIVE = new URL('dist/embedded.tar.gz', import.meta.resolve('#package.json'));

export interface EmbeddedDatabase extends Pick<ServingThread, 'failure' | 'watchOtherClients'> {
  /**
   * The socket to connect to: `postgres({ path: socketPath, user: 'postgres', database: 'postgres', max: 1 })`. There
   * is no password; only the user of this process can open the folder of the socket.
   */
  readonly socketPath: string;
  /** Closes the database and frees the folder. A second call waits for the first call. */
  close(): Promise<void>;
}

/**
 * Starts PostgreSQL (PGlite) in a thread, on the folder `<dataDir>/pg`, and creates the database if it does not exist.
 * While it runs, `<dataDir>/pg.socket` holds the path of its socket, so that other processes can connect.
 *
 * Transactions of different clients run one after another. A client that waits inside a transaction for another client
 * waits forever, so each process opens one connection only. A commit survives a crash of the process but not a power
 * failure, because PGlite never calls fsync.
 *
 * `onCreate` is called before a new database is created.
 *
 * @throws {FolderInUse} if another process runs the database in this folder
 * @throws {Error} if the folder cannot be written, or PGlite cannot open its content (`cause` holds the reason)
 */
export async function startEmbedded(
  dataDir: string,
  onCreate: (folder: string) => void = () => {},
): Promise<EmbeddedDatabase> {
  makeFolder(dataDir);
  const home = await realpath(dataDir);
  const cleanup: Array<() => Promise<void>> = [];
  try {
    cleanup.push(await lockFolder(home));
    await refuseOpenDatabase(home);
    await removeStaleSocket(home);
    await createIfMissing(home, onCreate).catch(throwOpenError(home));

    const socketPath = await createSocketPath(home);
    cleanup.push(() => rm(dirname(socketPath), { recursive: true, force: true }));
    cleanup.push(() => rm(socketRecordPath(home), { force: true }));
    const thread = await serveDatabase(join(home, 'pg'), socketPath).catch(throwOpenError(home));
    cleanup.push(thread.stop);
    await writeFile(socketRecordPath(home), socketPath, { mode: 0o600 });
    const { failure, watchOtherClients } = thread;
    return { socketPath, close: once(() => runAll(cleanup.toReversed())), failure, watchOtherClients };
  } catch (error) {
    await runAll(cleanup.toReversed());
    throw error;
  }
}

const socketRecordPath = (home: string) => join(home, 'pg.socket');

/** Reads the recorded socket path of this folder; null if there is no record. After a kill the record may be stale. */
export async function readSocketRecord(dataDir: string): Promise<string | null> {
  return readFile(socketRecordPath(dataDir), 'utf8').catch(() => null);
}

/** The lock does not exclude processes of another network namespace. Their socket answers if they share its folder. */
async function refuseOpenDatabase(home: string): Promise<void> {
  const socketPath = await readSocketRecord(home);
  if (socketPath !== null && (await isAnswered(socketPath))) throw new FolderInUse(home);
}

/** Removes the socket of a process that was killed. Removes only the recorded file and its empty folder. */
async function removeStaleSocket(home: string): Promise<void> {
  const socketPath = await readSocketRecord(home);
  if (socketPath === null) return;
  await rm(socketPath, { force: true });
  await rmdir(dirname(socketPath)).catch(() => undefined);
  await rm(socketRecordPath(home), { force: true });
}

/**
 * Unpacks the empty database under a temporary name and renames it, so that a killed start leaves no incomplete
 * database. An existing folder `pg` with other content is not changed.
 */
async function createIfMissing(home: string, onCreate: (folder: string) => void): Promise<void> {
  const folder = join(home, 'pg');
  if (existsSync(join(folder, 'PG_VERSION'))) return;
  if (existsSync(folder)) await rmdir(folder);
  onCreate(folder);
  const draft = join(home, 'pg.draft');
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await extract({ file: fileURLToPath(ARCHIVE), cwd: draft });
  await rename(draft, folder);
}

function throwOpenError(home: string): (cause: unknown) => never {
  return (cause) => {
    throw new Error(`The embedded database in ${home} cannot be opened`, { cause });
  };
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
