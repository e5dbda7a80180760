import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The smallest limit of the supported systems (macOS 104, Linux 108), without the final zero byte. */
const MAX_LENGTH = 103;

/**
 * Returns the path if it is short enough for a Unix socket. For a longer path the system returns a misleading
 * EADDRINUSE, or creates a socket with a truncated name.
 *
 * @throws {Error} with the path, if it is too long
 */
export function checkSocketPath(path: string): string {
  if (Buffer.byteLength(path) <= MAX_LENGTH) return path;
  throw new Error(
    `The path of a Unix socket is limited to ${MAX_LENGTH} bytes. This path is longer: ${path}`,
  );
}

/** PostgreSQL's default name. A client that knows the folder finds the socket by this name. */
const SOCKET = '.s.PGSQL.5432';

/**
 * Creates a folder for the socket, and returns the path of the socket. Only this user can open the folder. The folder
 * is in the temporary folder of the system, whose path is short. If the temporary folder is not writable, as in a
 * container with a read-only file system, the folder is in the data folder.
 */
export async function createSocketPath(home: string): Promise<string> {
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
    `The embedded database cannot create its socket. Set TMPDIR to a writable folder, or DATA_DIR to a shorter path. ${refusals.join(' ')}`,
  );
}
