import type { Attempts } from '../ports/stores/attempts.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** Wraps `attempts`: counts each refusal in telemetry. */
export function reportLimits(
  attempts: Attempts,
  { limitReached }: Pick<Telemetry, 'limitReached'>,
  action: 'password' | 'proof',
): Attempts {
  return {
    async begin(subject, now) {
      const verdict = await attempts.begin(subject, now);
      if (!verdict.allowed) limitReached(action);
      return verdict;
    },
    recordSuccess: (subject, now, attempt) => attempts.recordSuccess(subject, now, attempt),
    recordRecovery: (owner, now) => attempts.recordRecovery(owner, now),
    async countAction(key, limit, now) {
      const verdict = await attempts.countAction(key, limit, now);
      if (!verdict.allowed) limitReached(key.slice(0, key.indexOf(' ')));
      return verdict;
    },
    uncountAction: (action) => attempts.uncountAction(action),
  };
}
