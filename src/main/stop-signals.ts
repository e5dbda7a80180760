/** The signals that ask the process to stop. */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Calls the handler at each signal that asks the process to stop. Returns a function that removes it. */
export function onStopSignal(handler: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of STOP_SIGNALS) process.on(signal, handler);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, handler);
  };
}
