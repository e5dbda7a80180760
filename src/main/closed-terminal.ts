import { isatty } from 'node:tty';
import { STOPS_ON_HANG_UP } from './stop-signals.ts';

const STANDARD_STREAMS = [0, 1, 2];

/** Milliseconds. SIGHUP can arrive before the terminal is closed, so that `isatty` still finds one. */
const HANG_UP_DURATION = 200;

/**
 * Makes the process end by SIGKILL, after its work is done, if its terminal was closed. At a normal exit Node.js
 * restores the settings of the terminal. That fails without a terminal: Node.js aborts, and the abort can loop and
 * never end. Call it before `handleStopSignals`: the handler of a signal may exit at once.
 */
export function endWithoutTerminal(): void {
  const terminals = STANDARD_STREAMS.filter((stream) => isatty(stream));
  let isHungUp = false;
  if (STOPS_ON_HANG_UP) {
    process.on('SIGHUP', () => {
      isHungUp = true;
    });
  }
  process.on('exit', () => {
    if (isHungUp) block(HANG_UP_DURATION);
    if (!terminals.every((stream) => isatty(stream))) process.kill(process.pid, 'SIGKILL');
  });
}

/** Blocks the thread for this number of milliseconds. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
