import { countdown } from './clock.js';
import type { SessionError } from './errors.js';

const ATTEMPTS = 5;
/** Milliseconds. The first pause is at most this long, each further pause at most twice the previous limit. */
const FIRST_PAUSE = 250;
/** Milliseconds. While more than this is left of a pause, requests fail at once. Later requests wait for its end. */
const MAX_PAUSE = 10_000;

/** Runs the request, and repeats it if necessary. */
export type Retry = <T>(ask: () => Promise<T>) => Promise<T>;

/**
 * Repeats a request until its answer is final, at most `ATTEMPTS` times. The pauses grow and have a random length. All
 * requests that run through it share the pause: each later request also waits for its end.
 */
export function createRetry(): Retry {
  let pauseLeft = () => 0;
  let last: unknown;

  return async (ask) => {
    for (let attempt = 1; ; attempt += 1) {
      const pause = pauseLeft();
      if (pause > MAX_PAUSE) throw last;
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      try {
        return await ask();
      } catch (error) {
        const { recovery, retryAfter = 0 } = Object(error) as Partial<SessionError>;
        if (recovery !== 'retry') throw error;
        last = error;
        const backoff = Math.random() * FIRST_PAUSE * 2 ** (attempt - 1);
        pauseLeft = countdown(Math.max(retryAfter * 1000, backoff));
        if (attempt === ATTEMPTS) throw error;
      }
    }
  };
}
