import type { AttemptCounter } from '../../domain/attempts.ts';
import type { Client } from '../../domain/events.ts';
import type { Limits } from '../../domain/limits.ts';
import { networkOf } from '../../domain/network.ts';
import { type ReachedLimit, Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AttemptSubject, Attempts } from '../../ports/stores/attempts.ts';

export interface AttemptDeps {
  readonly attempts: Attempts;
  readonly limits: Limits;
  readonly clock: Clock;
}

/**
 * Begins an attempt to show a password, before any time is spent on it, and answers what to call when it was the
 * right one. Rejects with a {@link Refusal} `too_many_requests`.
 */
export async function attempt(
  { attempts, limits, clock }: AttemptDeps,
  { account, identifier }: Pick<AttemptSubject, 'account' | 'identifier'>,
  client: Client,
): Promise<() => Promise<void>> {
  const subject = { account, identifier, network: networkOf(client.address) };
  const verdict = await attempts.begin(subject, clock());
  if (!verdict.allowed) {
    const { counter, retryAfter } = verdict;
    throw new Refusal('too_many_requests', undefined, { retryAfter, limit: limitOf(limits, counter) });
  }
  return () => attempts.succeeded(subject, clock());
}

/** Of waits that grow it is said what is free of any, and after which time without an attempt it is so again. */
function limitOf({ attempts }: Limits, counter: AttemptCounter): ReachedLimit {
  const { free, quiet } = attempts[counter];
  return { name: `login-${counter}`, count: free, perMilliseconds: quiet };
}
