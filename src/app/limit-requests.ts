import type { Limit, LimitVerdict } from '../domain/rate-limit.ts';
import type { Clock } from '../ports/clock.ts';
import type { Attempts } from '../ports/stores/attempts.ts';

export type LimitRequests = (subject: string, limit: Limit) => Promise<LimitVerdict>;

/** Counts one request of `subject`, and returns whether it is allowed. A refused request does not count. */
export const limitRequests =
  ({ attempts, clock }: { readonly attempts: Attempts; readonly clock: Clock }): LimitRequests =>
  (subject, limit) =>
    attempts.countAction(`request ${subject}`, limit, clock());
