import { isatty } from 'node:tty';

const STANDARD_STREAMS = [0, 1, 2];

/**
 * Makes the process end by SIGKILL, after its work is done, if its terminal was closed. At a normal exit Node.js
 * restores the settings of the terminal. That fails without a terminal: Node.js aborts, and the abort can loop and
 * never end.
 */
export function endWithoutTerminal(): void {
  const terminals = STANDARD_STREAMS.filter((stream) => isatty(stream));
  process.on('exit', () => {
    if (!terminals.every((stream) => isatty(stream))) process.kill(process.pid, 'SIGKILL');
  });
}
