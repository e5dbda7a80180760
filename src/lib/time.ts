import { setTimeout as timer } from 'node:timers/promises';

/** The first and the last moment that the database and RFC 3339 have in common: the years 1 to 9999 in UTC. */
const FIRST = Date.parse('0001-01-01T00:00:00Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * The time of an RFC 3339 text, in milliseconds since the epoch. Null for a leap second, for a day that does not exist,
 * and for a time outside of the years 1 to 9999 in UTC.
 */
export function parseTime(text: string): number | null {
  const time = Date.parse(text);
  return time >= FIRST && time <= LAST && hasExistingHour(text) ? time : null;
}

/** `Date.parse` takes 30 February for 2 March, and 24:00 for 0:00 of the next day. RFC 3339 allows neither. */
function hasExistingHour(text: string): boolean {
  const hour = text.slice(0, 'yyyy-mm-ddThh'.length).toUpperCase().replace(' ', 'T');
  return new Date(`${hour}:00Z`).toJSON()?.startsWith(hour) === true;
}

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
