import type { ClientInfo } from '../../domain/client-info.ts';
import { networkOf } from '../../domain/network.ts';
import { Refusal } from '../../domain/refusal.ts';
import { PROOF_ATTEMPT_POLICY } from '../../domain/second-factor.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';

export interface ProofAttemptDeps {
  /** Counts attempts by `PROOF_ATTEMPT_POLICY`, separately from password attempts. */
  readonly proofAttempts: Attempts;
  readonly clock: Clock;
  readonly securityLog: SecurityLog;
}

/**
 * Begins an attempt to prove a second factor, before the proof is verified. Returns a function that must be called if
 * the proof was right. Rejects with a {@link Refusal} `too_many_requests`.
 *
 * An account becomes known at a network by a right proof from there, and not by a right password alone. So a thief who
 * has only the password gets the one count that all unknown networks share.
 */
export async function beginProofAttempt(
  { proofAttempts, clock, securityLog }: ProofAttemptDeps,
  userId: string,
  client: ClientInfo,
): Promise<() => Promise<void>> {
  const subject = { account: userId, identifier: userId, network: networkOf(client.address) };
  const verdict = await proofAttempts.begin(subject, clock());
  if (!verdict.allowed) {
    const { counter, retryAfter } = verdict;
    const { free, quiet } = PROOF_ATTEMPT_POLICY[counter];
    const limit = { name: `proof-${counter}`, count: free, perMilliseconds: quiet };
    securityLog('limit_reached', { limit: limit.name, userId, address: client.address });
    throw new Refusal('too_many_requests', undefined, { retryAfter, limit });
  }
  return () => proofAttempts.recordSuccess(subject, clock(), verdict);
}
