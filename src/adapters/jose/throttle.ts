/**
 * Runs the task at most once in a pause (milliseconds); calls within the pause do nothing. Concurrent calls share one
 * run. A run that failed does not start a pause.
 */
export function throttle(pause: number, task: () => Promise<void>): () => Promise<void> {
  let finishedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    try {
      await task();
      finishedAt = performance.now();
    } finally {
      running = null;
    }
  }

  return async () => {
    if (performance.now() - finishedAt < pause) return;
    running ??= run();
    await running;
  };
}
