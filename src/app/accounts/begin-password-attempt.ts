import type { AttemptCounter } from '../../domain/attempts.ts';
import type { ClientInfo } from '../../domain/client-info.ts';
import type { Limits } from '../../domain/limits.ts';
import { networkOf } from '../../domain/network.ts';
import { type ReachedLimit, Refusal } from '../../domain/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SecurityFacts, SecurityLog } from '../../ports/security-log.ts';
import type { Attempts } from '../../ports/stores/attempts.ts';
import { assertWithinLimit } from './assert-within-limit.ts';

export interface PasswordAttemptDeps {
  readonly attempts: Attempts;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly securityLog: SecurityLog;
}

/**
 * Begins a password attempt before the password is hashed. Returns a function that must be called if the password was
 * right. Rejects with a {@link Refusal} `too_many_requests`.
 */
export async function beginPasswordAttempt(
  deps: PasswordAttemptDeps,
  { userId, identifier }: Pick<SecurityFacts, 'userId'> & { readonly identifier: string },
  client: ClientInfo,
): Promise<() => Promise<void>> {
  const { attempts, limits, clock, securityLog } = deps;
  const who = { userId, identifier, address: client.address };
  await countAttempt(deps, identifier, who);
  const subject = { account: userId ?? identifier, identifier, network: networkOf(client.address) };
  const verdict = await attempts.begin(subject, clock());
  if (!verdict.allowed) {
    const { counter, retryAfter } = verdict;
    const limit = reachedLimit(limits, counter);
    securityLog('limit_reached', { limit: limit.name, ...who });
    throw new Refusal('too_many_requests', undefined, { retryAfter, limit });
  }
  return () => attempts.recordSuccess(subject, clock(), verdict);
}

/**
 * Counts every attempt, whether the password is right or wrong. An attempt that the limit of the identifier refuses is
 * not counted for the network. Otherwise one client in a loop would lock out its network.
 */
async function countAttempt(
  deps: PasswordAttemptDeps,
  identifier: string,
  who: SecurityFacts & { readonly address: string },
): Promise<void> {
  const { logins, loginsOfNetwork } = deps.limits;
  const network = networkOf(who.address);
  const ofIdentifier = {
    key: `login-rate ${identifier} ${network}`,
    limit: { name: 'login-rate', ...logins },
  };
  await assertWithinLimit(deps, ofIdentifier, who);
  const limit = { name: 'login-rate-network', ...loginsOfNetwork };
  await assertWithinLimit(deps, { key: `login-rate-network ${network}`, limit }, who);
}

/** For the rate-limit fields: the attempts that need no wait, and the time without attempts that restores them. */
function reachedLimit({ attempts }: Limits, counter: AttemptCounter): ReachedLimit {
  const { free, quiet } = attempts[counter];
  return { name: `login-${counter}`, count: free, perMilliseconds: quiet };
}
