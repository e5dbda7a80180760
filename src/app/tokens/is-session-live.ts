import type { Policy } from '../../domain/policy.ts';
import { isLive } from '../../domain/token-family.ts';
import type { AccessClaims } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';

interface Deps {
  readonly families: Pick<TokenFamilies, 'find'>;
  readonly revoked: RevokedFamilies;
  readonly policy: Pick<Policy, 'accessTokenAge'>;
  readonly clock: Clock;
}

/**
 * Whether the session of an access token is live. The token must be verified and unexpired. Reads the database only if
 * the list of recent revocations is not sufficient.
 *
 * Rejects with {@link StoreUnavailable} if the database is needed and unavailable.
 */
export async function isSessionLive(
  { families, revoked, policy, clock }: Deps,
  { sid, iat, exp }: Pick<AccessClaims, 'sid' | 'iat' | 'exp'>,
): Promise<boolean> {
  if (revoked.recall(sid) !== null) return false;
  // A token that was issued under a longer `accessTokenAge` may outlive the entry of its session in the list.
  const isCovered = (exp - iat) * 1000 <= policy.accessTokenAge;
  if (isCovered && revoked.isComplete()) return true;
  const family = await families.find(sid);
  return family !== null && isLive(family, clock());
}
