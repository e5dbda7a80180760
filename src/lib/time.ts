import { setTimeout as timer } from 'node:timers/promises';

/** Resolves after `milliseconds`, or as soon as `stop` is aborted. */
export async function sleep(milliseconds: number, stop?: AbortSignal): Promise<void> {
  await timer(milliseconds, undefined, stop && { signal: stop }).catch(() => {});
}

/**
 * Waits for `work`, but not longer than `milliseconds`. Resolves with undefined after that, and the work continues.
 * The timer does not keep the process alive.
 */
export async function waitAtMost<T>(milliseconds: number, work: PromiseLike<T>): Promise<T | undefined> {
  const settled = new AbortController();
  const limit = timer(milliseconds, undefined, { signal: settled.signal, ref: false }).catch(() => undefined);
  try {
    return await Promise.race([work, limit]);
  } finally {
    settled.abort();
  }
}

/**
 * Settles as `work` does. After `milliseconds` it rejects with the error that `onDeadline` returns, and the work
 * continues. The timer does not keep the process alive.
 */
export async function withDeadline<T>(
  milliseconds: number,
  work: PromiseLike<T>,
  onDeadline: () => Error,
): Promise<T> {
  const settled = new AbortController();
  const deadline = timer(milliseconds, undefined, { signal: settled.signal, ref: false }).then(() => {
    throw onDeadline();
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    settled.abort();
  }
}
