import { createOutage } from '../lib/outage.ts';
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
  const outage = createOutage();
  let isProbing = false;

  return {
    begin: (subject, now) => callBoth((attempts) => attempts.begin(subject, now)),
    recordSuccess: (subject, now) => callBoth((attempts) => attempts.recordSuccess(subject, now)),
    recordRecovery: (owner, now) => callBoth((attempts) => attempts.recordRecovery(owner, now)),
    countAction: (key, limit, now) => callBoth((attempts) => attempts.countAction(key, limit, now)),
  };

  async function callBoth<T>(operation: (attempts: Attempts) => Promise<T>): Promise<T> {
    const own = await operation(fallback);
    if (outage.isOngoing()) {
      void probe(operation);
      return own;
    }
    try {
      return await operation(primary);
    } catch (error) {
      outage.begin(() => log.error({ err: error }, 'attempts are counted by this process alone'));
      return own;
    }
  }

  async function probe(question: (attempts: Attempts) => Promise<unknown>): Promise<void> {
    if (isProbing) return;
    isProbing = true;
    try {
      await question(primary);
      outage.end(() => log.info({}, 'attempts are counted by all processes together again'));
    } catch {
      // The outage continues; its start was logged.
    } finally {
      isProbing = false;
    }
  }
}
