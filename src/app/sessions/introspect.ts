import {
  type AuthenticationClaims,
  authenticationClaims,
  pickAuthentication,
} from '../../domain/authentication.ts';
import type { Claims } from '../../domain/claims.ts';
import type { Confirmation } from '../../domain/dpop.ts';
import { isEmailVerified } from '../../domain/email-address.ts';
import { hasBindingOf, type TokenFamily } from '../../domain/token-family.ts';
import { identityOf } from '../../domain/user.ts';
import type { Users } from '../../ports/stores/users.ts';
import { findLiveFamily, isCurrentRefreshToken, type LiveFamilyDeps } from '../tokens/live-family.ts';
import { type ReadTokenDeps, readToken, type VerifiedToken } from '../tokens/read-token.ts';

interface Deps extends ReadTokenDeps, LiveFamilyDeps {
  readonly users: Pick<Users, 'find'>;
}

/** The response fields of an active token (RFC 7662 section 2.2). Times in whole seconds. */
export interface ActiveToken {
  readonly type: 'access' | 'refresh';
  readonly userId: string;
  readonly sessionId: string;
  readonly clientId: string;
  /** Null if another system manages the account, or if the name is an unverified address. */
  readonly username: string | null;
  /** Whether the address of the account is verified; null if another system manages the account. */
  readonly emailVerified: boolean | null;
  readonly issuer: string;
  readonly audience: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The id of an access token; null for a refresh token, whose id is a secret. */
  readonly jti: string | null;
  /** For an access token: its own claims. For a refresh token: the claims of its pair. */
  readonly authentication: AuthenticationClaims;
  /** The added claims. For an access token: those in the token. For a refresh token: those of its pair. */
  readonly claims: Claims;
  /** Null: the session is not bound to a key. */
  readonly confirmation: Confirmation | null;
}

export type Introspect = (token: string) => Promise<ActiveToken | null>;

/**
 * The fields of an active token; null for an inactive one. Always reads the row, so that a session which ended on any
 * replica is inactive. Introspection changes nothing: a rotated refresh token is inactive, but reuse is judged only
 * at a refresh.
 *
 * Rejects with {@link StoreUnavailable} if the database is unavailable.
 */
export const introspect =
  (deps: Deps): Introspect =>
  async (token) => {
    const found = await readToken(deps, token);
    const family = found && (await findLiveFamily(deps, found));
    if (!found || !family || !hasBindingOf(family, found.claims)) return null;
    if (found.type === 'refresh' && !(await isCurrentRefreshToken(deps, found.claims, family))) return null;
    return describe(deps, token, found, family);
  };

async function describe(
  { users, codec }: Deps,
  token: string,
  { type, claims, userId, sessionId }: VerifiedToken,
  family: TokenFamily,
): Promise<ActiveToken> {
  const { clientId, expiresAt, authentication } = family;
  const user = await users.find(userId);
  return {
    type,
    userId,
    sessionId,
    clientId,
    username: user && identityOf(user),
    emailVerified: user && isEmailVerified(user),
    ...codec.readIssuerAndAudience(token),
    issuedAt: claims.iat,
    // No token outlives its session.
    expiresAt: Math.min(claims.exp, Math.floor(expiresAt / 1000)),
    jti: type === 'access' ? claims.jti : null,
    authentication: type === 'access' ? pickAuthentication(claims) : authenticationClaims(authentication),
    claims: type === 'access' ? codec.readAddedClaims(token) : family.claims,
    confirmation: claims.cnf ?? null,
  };
}
