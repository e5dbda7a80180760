import { createHash } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { checkSocketPath } from './socket-path.ts';

/** Another process, or this one, already runs an embedded database in the folder. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';

  constructor(folder: string) {
    super(
      `The embedded database in ${folder} is in use by another Kinship process. ` +
        'Stop that process first. A second service needs a data folder of its own (DATA_DIR).',
    );
  }
}

/**
 * Locks the folder for this process until the returned function is called or the process ends. PGlite has no lock of
 * its own, and two PGlite instances on one folder destroy each other's rows.
 *
 * The folder must exist. All paths to the folder get the same lock. The lock excludes other processes of the machine.
 * It excludes other containers only if they share the network namespace.
 *
 * @throws {FolderInUse} if another process holds the lock
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const real = await realpath(folder);
  return process.platform === 'linux' ? lockByName(real) : lockByFile(real);
}

/**
 * Locks by an abstract socket, which has no file. The kernel frees the name when the process ends, so the lock is never
 * stale.
 */
async function lockByName(folder: string): Promise<() => Promise<void>> {
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  const server = await listen(`\0kinship-${digest}`);
  if (server === undefined) throw new FolderInUse(folder);
  return () => close(server);
}

/**
 * Locks by a socket file, for systems without abstract sockets. The file outlives its process, so a file on which no
 * process answers is removed. Two processes that remove the same stale file at the same moment could both get the lock.
 * A lock by name has no such race.
 *
 * @throws {FolderInUse} if another process answers on the socket
 */
export async function lockByFile(folder: string): Promise<() => Promise<void>> {
  const path = checkSocketPath(join(folder, 'pg.lock'));
  let server = await listen(path);
  if (server === undefined && !(await isAnswered(path))) {
    await rm(path, { force: true });
    server = await listen(path);
  }
  if (server === undefined) throw new FolderInUse(folder);
  const held = server;
  return () => close(held);
}

/** Starts a server on the address; undefined if the address is in use. */
function listen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    // `exclusive`: in a cluster the primary would otherwise share one socket among all its workers.
    server.listen({ path: address, exclusive: true }, () => resolve(server));
    server.unref();
  });
}

/** Whether a process answers on the socket. The socket file of a killed process is still there. */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('error', () => resolve(false));
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
