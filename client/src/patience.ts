import { countdown } from './clock.js';
import { SessionError } from './errors.js';

const ATTEMPTS = 5;
/** Milliseconds: the first pause is at most this long, each further one at most twice as long as the one before. */
const FIRST_PAUSE = 250;
/** Milliseconds. A service that asks for a longer pause is not waited for, nor asked before that is over. */
const LONGEST_PAUSE = 10_000;

/** Runs the question, if need be several times. */
export type Patience = <T>(ask: () => Promise<T>) => Promise<T>;

/**
 * Asks until there is an answer that another attempt would not change, a few times at most, with pauses of random
 * length that grow. The pauses belong to the client, not to one question: whoever asks next waits for their end.
 */
export function patience(): Patience {
  let pauseLeft = () => 0;
  let last: unknown;

  return async (ask) => {
    for (let attempt = 1; ; attempt += 1) {
      const pause = pauseLeft();
      if (pause > LONGEST_PAUSE) throw last;
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof SessionError) || error.recovery !== 'retry') throw error;
        last = error;
        const backoff = Math.random() * FIRST_PAUSE * 2 ** (attempt - 1);
        pauseLeft = countdown(Math.max(error.retryAfter * 1000, backoff));
        if (attempt === ATTEMPTS) throw error;
      }
    }
  };
}
