import type { ClientInfo } from './client-info.ts';
import { MINUTE } from './durations.ts';
import { networkOf } from './network.ts';
import type { Policy } from './policy.ts';
import type { TokenFamily } from './token-family.ts';
import { isSameProduct } from './user-agent.ts';

/** How long, in milliseconds, the session of an account page lives without a use. */
export const PAGE_IDLE_AGE = 30 * MINUTE;

/** Milliseconds from one recorded use to the next, so that not every page view writes to the database. */
const USE_RECORDED_EVERY = MINUTE;

/** Whether a use of a page at `now` must be recorded. */
export function mustRecordUse({ rotatedAt }: TokenFamily, now: number): boolean {
  return now - rotatedAt >= USE_RECORDED_EVERY;
}

/**
 * The policy for sessions of account pages: a short life, and no key of the client. A browser without script can
 * neither keep a key nor refresh a pair.
 */
export function pagePolicy(policy: Policy): Policy {
  const sessionMaxAge = Math.min(policy.sessionShortAge, policy.sessionMaxAge);
  return { ...policy, refreshTokenAge: PAGE_IDLE_AGE, sessionMaxAge, dpop: 'off' };
}

/** Whether the family's policy blocks this client, because its network or its product is not that of the sign-in. */
export function isBlocked(family: TokenFamily, client: ClientInfo): boolean {
  const isElsewhere = networkOf(client.address) !== networkOf(family.loginAddress);
  if (family.onAddressChange === 'block' && isElsewhere) return true;
  return family.onUserAgentChange === 'block' && !isSameProduct(family, client);
}
