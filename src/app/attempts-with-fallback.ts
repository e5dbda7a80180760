import type { Log } from '../ports/log.ts';
import type { Attempts } from '../ports/stores/attempts.ts';

/**
 * Attempts that are never without a limit. `fallback` counts everything all along, and its verdict holds whenever
 * `primary` gives none: so an outage gives nobody at this process new guesses, and owners whom it has seen log in
 * stay known. It knows nothing of what other processes saw. It must not reject.
 *
 * The first call that `primary` rejects begins an outage, which is logged once. During it nobody waits: one question
 * at a time goes to `primary` in the background, and the first one answered ends the outage.
 */
export function attemptsWithFallback(primary: Attempts, fallback: Attempts, log: Log): Attempts {
  let isDown = false;
  let isProbing = false;

  return {
    begin: (subject, now) => ask((attempts) => attempts.begin(subject, now)),
    succeeded: (subject, now) => ask((attempts) => attempts.succeeded(subject, now)),
    recovered: (owner, now) => ask((attempts) => attempts.recovered(owner, now)),
    take: (key, limit, now) => ask((attempts) => attempts.take(key, limit, now)),
  };

  async function ask<T>(question: (attempts: Attempts) => Promise<T>): Promise<T> {
    const own = await question(fallback);
    if (isDown) {
      void probe(question);
      return own;
    }
    try {
      return await question(primary);
    } catch (error) {
      if (!isDown) log.error({ err: error }, 'attempts are counted by this process alone');
      isDown = true;
      return own;
    }
  }

  async function probe(question: (attempts: Attempts) => Promise<unknown>): Promise<void> {
    if (isProbing) return;
    isProbing = true;
    try {
      await question(primary);
      isDown = false;
      log.info({}, 'attempts are counted by all processes together again');
    } catch {
      // The outage goes on, which was said.
    } finally {
      isProbing = false;
    }
  }
}
