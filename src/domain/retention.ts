import type { Policy } from './policy.ts';
import type { TokenFamily } from './token-family.ts';

/** How much longer a family is kept than a token of it can live, in milliseconds: requests may be under way. */
const MARGIN = 3_600_000;

/** When the family ended, or will at the latest. It rotates no more from then on. */
export function endOf({ revoked, expiresAt }: Pick<TokenFamily, 'revoked' | 'expiresAt'>): number {
  return revoked?.at ?? expiresAt;
}

/**
 * Families that ended before this moment answer nothing any more. The last token of a family is minted before its
 * end, so that one refresh token's age later all of them are refused as expired, whoever presents them; until then
 * one that was stolen is answered for what it is. Clocks count twice: who minted may be ahead of who ended the
 * family, and who judges may be behind who purges.
 *
 * A family whose token has expired unused is dead before its end, and yet is kept until then: a database that was
 * restored may know of an earlier token than the client holds, and would heal.
 */
export function purgedIfEndedBefore(
  now: number,
  { refreshTokenAge, clockSkew }: Pick<Policy, 'refreshTokenAge' | 'clockSkew'>,
): number {
  return now - refreshTokenAge - 2 * clockSkew - MARGIN;
}
