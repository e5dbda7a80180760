import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds. Rejects after `within` milliseconds. */
export async function waitUntil(holds: () => boolean | Promise<boolean>, within = 150_000): Promise<void> {
  for (const deadline = performance.now() + within; !(await holds()); await sleep(20)) {
    if (performance.now() > deadline)
      throw new Error(`The condition did not hold within ${within} ms: ${holds}`);
  }
}

/** Resolves with the first value that `find` finds. Rejects after 200 attempts. `what` names the value. */
export async function waitForValue<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const found = await find().catch(() => undefined);
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`not found in 200 attempts: ${what}`);
}
