import type { Limit, Taking } from '../domain/attempts.ts';
import type { Clock } from '../ports/clock.ts';
import type { Attempts } from '../ports/stores/attempts.ts';

/** Counts one request more of whoever it is, and answers whether it may be served. One that may not does not count. */
export const limitRequests =
  ({ attempts, clock }: { readonly attempts: Attempts; readonly clock: Clock }) =>
  (who: string, limit: Limit): Promise<Taking> =>
    attempts.take(`request ${who}`, limit, clock());
