import { HOUR } from './durations.ts';
import type { Policy } from './policy.ts';
import type { TokenFamily } from './token-family.ts';

/** Milliseconds that a family is kept after its last token has expired, because requests may be in progress. */
const MARGIN = HOUR;

/** When the family ended, or will end at the latest. From then on the family cannot be rotated. */
export function endOf({ revoked, expiresAt }: Pick<TokenFamily, 'revoked' | 'expiresAt'>): number {
  return revoked?.at ?? expiresAt;
}

/**
 * Families that ended before this moment can be purged. A family never ends before its last rotation. So all tokens
 * have expired one `refreshTokenAge` after the end. Until then a stolen token still gets its exact refusal. The clock
 * skew counts twice. The clock that mints may be ahead of the clock that ends the family. The clock that judges a
 * refresh may be behind the clock that purges.
 *
 * A family whose current token has expired unused is kept until its end. A restored database may hold an earlier
 * generation than the client. The next refresh of the client then heals the family.
 */
export function purgeCutoff(
  now: number,
  { refreshTokenAge, clockSkew }: Pick<Policy, 'refreshTokenAge' | 'clockSkew'>,
): number {
  return now - refreshTokenAge - 2 * clockSkew - MARGIN;
}
