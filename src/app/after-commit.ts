import type { Log } from '../ports/log.ts';

/**
 * Runs a step that follows a committed change. A failure of the step is logged with its `effect`, and does not become
 * the answer to the request: the change has succeeded, and could not be repeated.
 */
export async function runAfterCommit(
  { log }: { readonly log: Log },
  step: () => Promise<void>,
  effect: string,
): Promise<void> {
  try {
    await step();
  } catch (error) {
    log.error({ err: error }, effect);
  }
}
