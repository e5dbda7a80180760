/** Runs the steps one after another, even if one of them fails. Then rejects with the first failure. */
export async function runAll(steps: Iterable<() => unknown>): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Waits until all work has ended, even if some of it fails. Then rejects with a failure, if there was one. */
export async function waitForAll(work: readonly unknown[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}
