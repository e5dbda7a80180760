/** Milliseconds between two looks for a key that nobody knows, which anyone can name in a token. */
export const LOOK_PAUSE = 1_000;

/**
 * The task, left out where it has been done within the pause (milliseconds). Whoever asks while it is under way
 * waits for it; one that failed is done again for the next who asks.
 */
export function throttle(pause: number, task: () => Promise<void>): () => Promise<void> {
  let doneAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    try {
      await task();
      doneAt = performance.now();
    } finally {
      running = null;
    }
  }

  return async () => {
    if (performance.now() - doneAt < pause) return;
    running ??= run();
    await running;
  };
}
