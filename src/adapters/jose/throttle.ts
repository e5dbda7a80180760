/**
 * Returns a function that runs the task. After a successful run, calls do nothing for `pause` milliseconds. Concurrent
 * calls share one run.
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
