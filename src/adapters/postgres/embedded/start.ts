import { existsSync } from 'node:fs';
import { mkdir, readFile, realpath, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lockFolder } from './lock.ts';
import { makeSocketFolder } from './socket-path.ts';
import { create, serve } from './thread.ts';

export interface EmbeddedDatabase {
  /**
   * Where to connect: `postgres({ path: socketPath, user: 'postgres', database: 'postgres', max: 1 })`. There
   * is no password; the folder around the socket is closed to others.
   */
  readonly socketPath: string;
  /** Closes the database and frees the folder. The second call waits for the first. */
  close(): Promise<void>;
  /** Resolves, with the reason, when the database dies by itself; never otherwise. `close` is still due. */
  readonly failed: Promise<Error>;
}

/**
 * Starts PostgreSQL (PGlite) in a thread of its own, on `<dataDir>/pg`, made if need be. While it runs,
 * `<dataDir>/pg.socket` holds the path of its socket, for other processes that want to connect.
 *
 * Clients take turns, transaction by transaction, so a client that waits for another one inside a transaction
 * waits for ever: one connection for each process. What is committed survives the death of the process, but
 * not a power cut, since PGlite never calls fsync.
 *
 * `onCreate` is called before a new database is made, which takes seconds.
 *
 * @throws {FolderInUse} when another process runs the database in this folder
 * @throws {Error} when the folder cannot be written, or PGlite cannot open what is in it (`cause` says why)
 */
export async function startEmbedded(
  dataDir: string,
  onCreate: (folder: string) => void = () => {},
): Promise<EmbeddedDatabase> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const home = await realpath(dataDir);
  const undo: Array<() => Promise<void>> = [];
  try {
    undo.push(await lockFolder(home));
    await removeDeadSocket(home);
    await createIfMissing(home, onCreate).catch(refuse(home));

    const socketPath = await makeSocketFolder(home);
    undo.push(() => rm(dirname(socketPath), { recursive: true, force: true }));
    undo.push(() => rm(recordIn(home), { force: true }));
    const thread = await serve(join(home, 'pg'), socketPath).catch(refuse(home));
    undo.push(thread.stop);
    await writeFile(recordIn(home), socketPath, { mode: 0o600 });
    return { socketPath, close: once(() => runBackwards(undo)), failed: thread.failed };
  } catch (error) {
    await runBackwards(undo);
    throw error;
  }
}

const recordIn = (home: string) => join(home, 'pg.socket');

/** Where the process that runs the database of this folder serves it, or null while it does not. */
export async function socketOfRunning(dataDir: string): Promise<string | null> {
  return readFile(recordIn(dataDir), 'utf8').catch(() => null);
}

/** A process that was killed leaves its socket behind. Only what the record names is removed, and no tree. */
async function removeDeadSocket(home: string): Promise<void> {
  const socketPath = await socketOfRunning(home);
  if (socketPath === null) return;
  await rm(socketPath, { force: true });
  await rmdir(dirname(socketPath)).catch(() => undefined);
  await rm(recordIn(home), { force: true });
}

/**
 * Makes the database under another name first: a start that is killed half-way must not leave half a database.
 * A folder that has its name and holds something else is not touched.
 */
async function createIfMissing(home: string, onCreate: (folder: string) => void): Promise<void> {
  const folder = join(home, 'pg');
  if (existsSync(join(folder, 'PG_VERSION'))) return;
  if (existsSync(folder)) await rmdir(folder);
  onCreate(folder);
  const draft = join(home, 'pg.draft');
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await create(draft);
  await rename(draft, folder);
}

function refuse(home: string): (cause: unknown) => never {
  return (cause) => {
    throw new Error(`The embedded database in ${home} could not be opened`, { cause });
  };
}

/** Runs every step, the last one first, whether or not one of them fails. */
async function runBackwards(steps: ReadonlyArray<() => Promise<void>>): Promise<void> {
  const last = steps.at(-1);
  if (last === undefined) return;
  try {
    await last();
  } finally {
    await runBackwards(steps.slice(0, -1));
  }
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
