import type { Client } from '../../domain/events.ts';
import { networkOf } from '../../domain/network.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';

/**
 * Begins an attempt to show a password, before any time is spent on it, and answers what to call when it was the
 * right one. Rejects with a {@link Refusal} `too_many_requests`.
 */
export async function attempt(
  { attempts, clock }: { readonly attempts: Attempts; readonly clock: Clock },
  account: string,
  client: Client,
): Promise<() => Promise<void>> {
  const subject = { account, network: networkOf(client.address) };
  const verdict = await attempts.begin(subject, clock());
  if (!verdict.allowed) {
    throw new Refusal('too_many_requests', undefined, { retryAfter: verdict.retryAfter });
  }
  return () => attempts.succeeded(subject, clock());
}
