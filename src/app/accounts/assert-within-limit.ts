import { type ReachedLimit, Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SecurityFacts, SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';

interface Deps {
  readonly attempts: Attempts;
  readonly clock: Clock;
  readonly securityLog: SecurityLog;
}

/**
 * Counts one more action under `key`. If the limit is reached, logs `who` and rejects with a {@link Refusal}
 * `too_many_requests`.
 */
export async function assertWithinLimit(
  { attempts, clock, securityLog }: Deps,
  { key, limit }: { readonly key: string; readonly limit: ReachedLimit },
  who: SecurityFacts,
): Promise<void> {
  const { allowed, retryAfter } = await attempts.countAction(key, limit, clock());
  if (allowed) return;
  securityLog('limit_reached', { limit: limit.name, ...who });
  throw new Refusal('too_many_requests', undefined, { retryAfter, limit });
}
