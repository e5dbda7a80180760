/** The signals that ask the process to stop. */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

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
