import type { Policy } from '../../domain/policy.ts';
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
 * Whether the session of an access token goes on. To be asked about the claims of a token that was verified and
 * has not expired; asks the database only where the list of recent revocations cannot tell.
 *
 * Rejects with {@link StoreUnavailable} if the database is needed and cannot be asked.
 */
export const isSessionAlive = ({ families, revoked, policy, clock }: Deps) => {
  return async ({ sid, iat, exp }: Pick<AccessClaims, 'sid' | 'iat' | 'exp'>): Promise<boolean> => {
    if (revoked.recall(sid) !== null) return false;
    // A token made when tokens lived longer than they do today may outlast what the list remembers.
    const isCovered = (exp - iat) * 1000 <= policy.accessTokenAge;
    if (isCovered && revoked.isComplete()) return true;
    const family = await families.find(sid);
    return family !== null && family.revoked === null && family.expiresAt > clock();
  };
};
