import type { Log } from '../ports/log.ts';
import type { Attempts } from '../ports/stores/attempts.ts';
import { createProbedOutage } from './probed-outage.ts';

/**
 * Keeps attempts limited during an outage of `primary`. `fallback`, which the processes of this replica share, counts
 * every attempt too, and its verdict applies while `primary` fails. So an outage does not reset the counts of this
 * replica. Accounts that logged in through this replica stay known. `fallback` does not see the attempts at other
 * replicas. The two stores may raise different counts for one attempt. A success takes back from each store what that
 * store raised. If `fallback` rejects, the caller sees that only while `primary` fails.
 *
 * The first call that `primary` rejects starts an outage: see {@link createProbedOutage}.
 */
export function attemptsWithFallback(primary: Attempts, fallback: Attempts, log: Log): Attempts {
  const outage = createProbedOutage({
    begun: (error) => log.error({ err: error }, 'attempts are counted by this replica alone'),
    ended: () => log.info({}, 'attempts are counted by all replicas together again'),
  });

  return {
    async begin(subject, now) {
      const own = fallback.begin(subject, now);
      const ownAnswer = await own.catch(() => null);
      const answer = await tryPrimary(() => primary.begin(subject, now));
      const raisedByFallback = ownAnswer?.allowed ? ownAnswer.raised : null;
      if (answer !== null) return answer.allowed ? { ...answer, raisedByFallback } : answer;
      const applied = await own;
      return applied.allowed ? { allowed: true, raised: null, raisedByFallback } : applied;
    },
    recordSuccess: (subject, now, { raised, raisedByFallback = null }) =>
      callBoth((attempts) => {
        const ofStore = attempts === fallback ? raisedByFallback : raised;
        return attempts.recordSuccess(subject, now, { allowed: true, raised: ofStore });
      }),
    recordRecovery: (owner, now) => callBoth((attempts) => attempts.recordRecovery(owner, now)),
    countAction: (key, limit, now) => callBoth((attempts) => attempts.countAction(key, limit, now)),
    uncountAction: (action) => callBoth((attempts) => attempts.uncountAction(action)),
  };

  async function callBoth<T>(operation: (attempts: Attempts) => Promise<T>): Promise<T> {
    const own = operation(fallback);
    await own.catch(() => {});
    const answer = await tryPrimary(() => operation(primary));
    return answer === null ? own : answer;
  }

  /** Null while `primary` fails. */
  async function tryPrimary<T>(operation: () => Promise<T>): Promise<T | null> {
    if (outage.isOngoing()) {
      outage.probe(operation);
      return null;
    }
    try {
      return await operation();
    } catch (error) {
      outage.begin(error);
      return null;
    }
  }
}
