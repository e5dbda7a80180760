import { endWithoutTerminal } from './closed-terminal.ts';
import { handleStopSignals } from './stop-signals.ts';

/** Runs the service until a signal ends it. */
export async function startService(): Promise<void> {
  endWithoutTerminal();
  // Process 1 ignores a signal without a handler. Loading the modules takes most of the start, so the handler
  // comes first. An abandoned start needs no clean-up: the next start handles what a killed start leaves.
  handleStopSignals(() => process.exit(0));
  const { serve } = await import('./serve.ts');
  await serve();
}
