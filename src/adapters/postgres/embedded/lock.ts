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
        'Stop that process first, or give this one a data folder of its own (DATA_DIR).',
    );
  }
}

/**
 * Takes the folder for this process alone, until the returned function is called or the process ends, however
 * it ends. PGlite itself refuses nobody, and two that write to one folder destroy each other's rows.
 *
 * The folder must exist; every path that leads to it counts as the same folder. Processes of one machine
 * exclude each other, and containers only when they share a network namespace.
 *
 * @throws {FolderInUse} when somebody has it already
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const real = await realpath(folder);
  return process.platform === 'linux' ? lockByName(real) : lockByFile(real);
}

/** An abstract socket has no file: the kernel frees the name with the process, so that it is never stale. */
async function lockByName(folder: string): Promise<() => Promise<void>> {
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  const server = await listen(`\0kinship-${digest}`);
  if (server === undefined) throw new FolderInUse(folder);
  return () => close(server);
}

/**
 * The same lock where there are no abstract sockets. A socket file outlives its process, so a file that nobody
 * answers on is removed. Two processes that find the same dead file in the same instant could both win;
 * a lock by name has no such gap.
 *
 * @throws {FolderInUse} when somebody answers
 */
export async function lockByFile(folder: string): Promise<() => Promise<void>> {
  const path = checkSocketPath(join(folder, 'pg.lock'));
  let server = await listen(path);
  if (server === undefined && !(await answers(path))) {
    await rm(path, { force: true });
    server = await listen(path);
  }
  if (server === undefined) throw new FolderInUse(folder);
  const taken = server;
  return () => close(taken);
}

/** A server on the address, or undefined when the address is taken. */
function listen(address: string): Promise<Server | undefined> {
  const server = createServer((visitor) => visitor.destroy());
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

function answers(path: string): Promise<boolean> {
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
