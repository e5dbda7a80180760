import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The shortest limit of the systems we run on (macOS 104, Linux 108), less the closing zero byte. */
const LONGEST = 103;

/**
 * Returns the path if a Unix socket can have it. The system's own answer to one that is too long is a
 * misleading EADDRINUSE, or a socket under a truncated name.
 *
 * @throws {Error} which names the path, when it is too long
 */
export function checkSocketPath(path: string): string {
  if (Buffer.byteLength(path) <= LONGEST) return path;
  throw new Error(`A Unix socket's path may have ${LONGEST} bytes at most; this one is longer: ${path}`);
}

/** PostgreSQL's own name for it, so that clients which are given the folder find it, too. */
const SOCKET = '.s.PGSQL.5432';

/**
 * Makes a folder for the socket, closed to other users, and returns the path of the socket in it. The folder is in the
 * temporary folder, whose path is short; under the data folder where the temporary folder cannot be written, as in a
 * container whose file system is read-only.
 */
export async function makeSocketFolder(home: string): Promise<string> {
  const refusals: string[] = [];
  for (const parent of [tmpdir(), home]) {
    try {
      checkSocketPath(join(parent, 'kinship-XXXXXX', SOCKET));
      return join(await mkdtemp(join(parent, 'kinship-')), SOCKET);
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(
    `The embedded database has no place for its socket: set TMPDIR to a folder that can be written, or give DATA_DIR a shorter path. ${refusals.join(' ')}`,
  );
}
