import type { TokenFamily } from '../../domain/token-family.ts';
import { isPaired, type RefreshClaims } from '../../domain/token-pair.ts';
import type { RevokedFamilies } from '../../ports/revoked-families.ts';
import type { TokenFamilies } from '../../ports/stores/token-families.ts';
import type { Users } from '../../ports/stores/users.ts';
import { type OurToken, type ReadTokenDeps, readToken } from './read-token.ts';

interface Deps extends ReadTokenDeps {
  readonly families: Pick<TokenFamilies, 'find'>;
  readonly users: Pick<Users, 'find'>;
  readonly revoked: RevokedFamilies;
}

/** What is said of a token that is good (RFC 7662 section 2.2). Times in whole seconds. */
export interface ActiveToken {
  readonly type: 'access' | 'refresh';
  readonly userId: string;
  readonly sessionId: string;
  readonly clientId: string;
  /** Null where somebody else keeps the account. */
  readonly username: string | null;
  readonly issuer: string;
  readonly audience: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The id of an access token; a refresh token's is a secret. */
  readonly jti: string | null;
}

/**
 * Whether a token is good at this moment, and what it says; null if it is not. Always by the row, so that a session
 * which has ended anywhere is over here. To ask changes nothing: a refresh token that was rotated is not good, and
 * whether somebody stole it is judged when it is used.
 *
 * Rejects with {@link StoreUnavailable} if the database cannot be asked.
 */
export const introspect = (deps: Deps) => {
  const { codec, secrets, families, users, revoked, clock } = deps;
  const read = readToken(deps);

  return async (token: string): Promise<ActiveToken | null> => {
    const found = await read(token);
    const family = found && (await liveFamily(found));
    if (!found || !family) return null;
    if (found.type === 'refresh' && !(await isCurrent(found.claims, family))) return null;
    return describe(token, found, family);
  };

  async function liveFamily({ sessionId, userId }: OurToken): Promise<TokenFamily | null> {
    // A database that has lost a revocation in a fail-over is not believed where this replica saw it.
    if (revoked.recall(sessionId) !== null) return null;
    const family = await families.find(sessionId);
    const lives = family?.userId === userId && family.revoked === null && family.expiresAt > clock();
    return lives ? family : null;
  }

  async function isCurrent(claims: RefreshClaims, family: TokenFamily): Promise<boolean> {
    const { tokenFamily, generation, jti, exp } = claims;
    if (clock() >= exp * 1000 || generation !== family.generation) return false;
    if (family.paired !== isPaired(claims)) return false;
    return (await secrets.hashJti(family.scheme, tokenFamily, jti)) === family.hashedRefreshTokenId;
  }

  async function describe(
    token: string,
    { type, claims, userId, sessionId }: OurToken,
    { clientId }: TokenFamily,
  ): Promise<ActiveToken> {
    const user = await users.find(userId);
    return {
      type,
      userId,
      sessionId,
      clientId,
      username: user?.username ?? null,
      ...codec.partiesOf(token),
      issuedAt: claims.iat,
      expiresAt: claims.exp,
      jti: type === 'access' ? claims.jti : null,
    };
  }
};
