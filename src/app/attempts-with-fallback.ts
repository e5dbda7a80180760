import type { Log } from '../ports/log.ts';
import type { Attempts } from '../ports/stores/attempts.ts';
import { createProbedOutage } from './probed-outage.ts';

/**
 * Keeps attempts limited during an outage of `primary`. `fallback`, which the processes of this replica share, counts
 * every attempt too, and its verdict applies while `primary` fails. So an outage does not reset the counts of this
 * replica. Accounts that logged in through this replica stay known. `fallback` does not see the attempts at other
 * replicas. If `fallback` rejects, the caller sees that only while `primary` fails.
 *
 * The first call that `primary` rejects starts an outage: see {@link createProbedOutage}.
 */
export function attemptsWithFallback(primary: Attempts, fallback: Attempts, log: Log): Attempts {
  const outage = createProbedOutage({
    begun: (error) => log.error({ err: error }, 'attempts are counted by this replica alone'),
    ended: () => log.info({}, 'attempts are counted by all replicas together again'),
  });

  return {
    begin: (subject, now) => callBoth((attempts) => attempts.begin(subject, now)),
    recordSuccess: (subject, now) => callBoth((attempts) => attempts.recordSuccess(subject, now)),
    recordRecovery: (owner, now) => callBoth((attempts) => attempts.recordRecovery(owner, now)),
    countAction: (key, limit, now) => callBoth((attempts) => attempts.countAction(key, limit, now)),
    uncountAction: (action) => callBoth((attempts) => attempts.uncountAction(action)),
  };

  async function callBoth<T>(operation: (attempts: Attempts) => Promise<T>): Promise<T> {
    const own = operation(fallback);
    await own.catch(() => {});
    if (outage.isOngoing()) {
      outage.probe(() => operation(primary));
      return own;
    }
    try {
      return await operation(primary);
    } catch (error) {
      outage.begin(error);
      return own;
    }
  }
}
