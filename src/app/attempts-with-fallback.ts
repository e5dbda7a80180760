import type { Log } from '../ports/log.ts';
import type { Attempts } from '../ports/stores/attempts.ts';

/**
 * Keeps attempts limited during an outage of `primary`. `fallback` counts every attempt too, and its verdict applies
 * while `primary` fails. So an outage does not reset the counts of this process, and accounts that logged in through
 * this process stay known. `fallback` does not see the attempts at other processes. It must not reject.
 *
 * The first call that `primary` rejects starts an outage, which is logged once. During the outage no call waits for
 * `primary`: one probe at a time runs in the background, and the first success ends the outage.
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
      // The outage continues; its start was logged.
    } finally {
      isProbing = false;
    }
  }
}
