import { isatty } from 'node:tty';

const STANDARD_OUTPUT = 1;

/**
 * Whether SIGHUP asks the process to stop. A terminal sends it when it is closed. Without a terminal, managers send it
 * for a reload, which must not end the service.
 */
export const STOPS_ON_HANG_UP = isatty(STANDARD_OUTPUT);

/** The signals that ask the process to stop. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = [
  'SIGTERM',
  'SIGINT',
  ...(STOPS_ON_HANG_UP ? ['SIGHUP' as const] : []),
];

type StopHandler = (signal: NodeJS.Signals) => void;

let handler: StopHandler | null = null;

/**
 * Sets the function that handles each signal to stop, in place of the former one. The listeners of the process stay the
 * same: Node.js loses a signal that arrives while the thread is busy if its last listener is removed in that time.
 */
export function handleStopSignals(next: StopHandler): void {
  if (handler === null) for (const signal of STOP_SIGNALS) process.on(signal, (given) => handler?.(given));
  handler = next;
}
