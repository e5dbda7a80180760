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
