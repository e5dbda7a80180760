import { type ReachedLimit, Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SecurityFacts, SecurityLog } from '../../ports/security-log.ts';
import type { Attempts, CountedAction } from '../../ports/stores/attempts.ts';

interface Deps {
  readonly attempts: Attempts;
  readonly clock: Clock;
  readonly securityLog: SecurityLog;
}

interface CountedLimit {
  readonly key: string;
  readonly limit: ReachedLimit;
  /** The sentence of the refusal, if the default does not say enough. */
  readonly detail?: string;
}

/**
 * Counts one more action under `key`, and returns it. If the limit is reached, logs `who` and rejects with a
 * {@link Refusal} `too_many_requests`.
 */
export async function assertWithinLimit(
  { attempts, clock, securityLog }: Deps,
  { key, limit, detail }: CountedLimit,
  who: SecurityFacts,
): Promise<CountedAction> {
  const at = clock();
  const { allowed, retryAfter } = await attempts.countAction(key, limit, at);
  if (allowed) return { key, at };
  securityLog('limit_reached', { limit: limit.name, ...who });
  throw new Refusal('too_many_requests', detail, { retryAfter, limit });
}
