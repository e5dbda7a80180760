import { clientFault, type OAuthClient } from '../../domain/oauth-client.ts';
import { Refusal } from '../../domain/refusal.ts';
import { hasBindingOf, isLive, type TokenFamily } from '../../domain/token-family.ts';
import { isPaired, type RefreshClaims } from '../../domain/token-pair.ts';
import type { Clock } from '../../ports/clock.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenSecrets } from '../../ports/security/token-secrets.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';

export interface LiveFamilyDeps {
  readonly families: Pick<TokenFamilies, 'find'>;
  readonly revoked: RevokedFamilies;
  readonly clock: Clock;
}

/** The family of the session. Null if the family belongs to another user, does not exist, is revoked or has expired. */
export async function findLiveFamily(
  { families, revoked, clock }: LiveFamilyDeps,
  { sessionId, userId }: { readonly sessionId: string; readonly userId: string },
): Promise<TokenFamily | null> {
  // A fail-over can lose a revocation that this replica still remembers.
  if (revoked.recall(sessionId) !== null) return null;
  const family = await families.find(sessionId);
  return family?.userId === userId && isLive(family, clock()) ? family : null;
}

/** Throws a {@link Refusal} if the client may not use tokens of the family: see {@link clientFault}. */
export function assertClient(family: TokenFamily, client: OAuthClient | null): void {
  const fault = clientFault(family, client);
  if (fault !== null) throw new Refusal(fault.code, fault.detail);
}

/** Whether the token is the unexpired refresh token of the family's current pair. */
export async function isCurrentRefreshToken(
  { secrets, clock }: { readonly secrets: TokenSecrets; readonly clock: Clock },
  claims: RefreshClaims,
  family: TokenFamily,
): Promise<boolean> {
  const { tokenFamily, generation, jti, exp } = claims;
  if (clock() >= exp * 1000 || generation !== family.generation) return false;
  if (family.paired !== isPaired(claims) || !hasBindingOf(family, claims)) return false;
  return (await secrets.hashJti(family.scheme, tokenFamily, jti)) === family.hashedRefreshTokenId;
}
