import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds. Rejects after `within` milliseconds. */
export async function waitUntil(holds: () => boolean | Promise<boolean>, within = 150_000): Promise<void> {
  for (const deadline = performance.now() + within; !(await holds()); await sleep(20)) {
    if (performance.now() > deadline)
      throw new Error(`The condition did not hold within ${within} ms: ${holds}`);
  }
}
