import type { Attempts } from '../ports/stores/attempts.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** The same limits, with each refusal reported to telemetry. */
export function countedAttempts(attempts: Attempts, { limited }: Pick<Telemetry, 'limited'>): Attempts {
  return {
    async begin(subject, now) {
      const verdict = await attempts.begin(subject, now);
      if (!verdict.allowed) limited('password');
      return verdict;
    },
    succeeded: (subject, now) => attempts.succeeded(subject, now),
    recovered: (owner, now) => attempts.recovered(owner, now),
    async take(key, limit, now) {
      const taking = await attempts.take(key, limit, now);
      if (!taking.allowed) limited(key.slice(0, key.indexOf(' ')));
      return taking;
    },
  };
}
