import type { Limit, LimitVerdict } from '../domain/rate-limit.ts';
import type { Clock } from '../ports/clock.ts';
import type { Attempts } from '../ports/stores/attempts.ts';

export type LimitRequests = (who: string, limit: Limit) => Promise<LimitVerdict>;

/** Counts one request of `who` and returns whether it is allowed. A refused request does not count. */
export const limitRequests =
  ({ attempts, clock }: { readonly attempts: Attempts; readonly clock: Clock }): LimitRequests =>
  (who, limit) =>
    attempts.countAction(`request ${who}`, limit, clock());
