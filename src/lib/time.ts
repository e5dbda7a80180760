import { setTimeout as timer } from 'node:timers/promises';

/** Resolves after `milliseconds`, or as soon as `stop` is aborted. */
export async function sleep(milliseconds: number, stop?: AbortSignal): Promise<void> {
  await timer(milliseconds, undefined, stop && { signal: stop }).catch(() => {});
}

/**
 * Waits for `work`, but not longer than `milliseconds`. Resolves with undefined after that, and the work continues.
 * The timer does not keep the process alive.
 */
export function waitAtMost<T>(milliseconds: number, work: PromiseLike<T>): Promise<T | undefined> {
  return race(milliseconds, work, () => undefined);
}

/**
 * Settles as `work` does. After `milliseconds` it rejects with the error that `onDeadline` returns, and the work
 * continues. The timer does not keep the process alive.
 */
export function withDeadline<T>(
  milliseconds: number,
  work: PromiseLike<T>,
  onDeadline: () => Error,
): Promise<T> {
  return race(milliseconds, work, () => {
    throw onDeadline();
  });
}

async function race<T, Late>(
  milliseconds: number,
  work: PromiseLike<T>,
  onDeadline: () => Late,
): Promise<T | Late> {
  const settled = new AbortController();
  const deadline = timer(milliseconds, undefined, { signal: settled.signal, ref: false }).then(onDeadline);
  try {
    return await Promise.race([work, deadline]);
  } finally {
    settled.abort();
  }
}
