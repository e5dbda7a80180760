import { isatty } from 'node:tty';
import { STOPS_ON_HANG_UP } from './stop-signals.ts';

const STANDARD_STREAMS = [0, 1, 2];

/**
 * Makes the process end by SIGKILL, after its work is done, if its terminal was closed. At a normal exit Node.js
 * restores the settings of the terminal. That fails without a terminal: Node.js aborts, and the abort can loop and
 * never end. Must be called before a signal is handled.
 */
export function endWithoutTerminal(): void {
  const terminals = STANDARD_STREAMS.filter((stream) => isatty(stream));
  // The signal comes before the terminal stops answering, so it may still answer at the exit.
  let isHungUp = false;
  if (STOPS_ON_HANG_UP) {
    process.on('SIGHUP', () => {
      isHungUp = true;
    });
  }
  process.on('exit', () => {
    if (isHungUp || !terminals.every((stream) => isatty(stream))) process.kill(process.pid, 'SIGKILL');
  });
}
