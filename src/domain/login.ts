import type { Authentication } from './authentication.ts';
import { type Claims, claimsFault, claimsLimit, MAX_SESSION_CLAIMS, NO_CLAIMS } from './claims.ts';
import type { ClientInfo } from './client-info.ts';
import type { Door } from './door.ts';
import type { ChangePolicy, Policy } from './policy.ts';
import { type CurrentPair, floorToSecond, notificationSubject, type TokenFamily } from './token-family.ts';

export interface Login {
  readonly tokenFamily: string;
  readonly userId: string;
  readonly paired: boolean;
  readonly door: Door;
  readonly clientId: string;
  /** Default: false. */
  readonly confidential?: boolean;
  /** Default: true. */
  readonly remembered?: boolean;
  /** Default: null. */
  readonly jkt?: string | null;
  readonly contact: string | null;
  readonly client: ClientInfo;
  /** The door's policy for this session. It overrides the operator's policy. */
  readonly onAddressChange?: ChangePolicy;
  /** How and when the user was authenticated, as far as the caller knows. Default: at login, by an unknown method. */
  readonly authentication?: Partial<Omit<Authentication, 'generation'>>;
  /** The session's own claims. Default: none. */
  readonly claims?: Claims;
  /** Default: null. */
  readonly deviceName?: string | null;
  /** The lifetime of this session in milliseconds, if it is shorter than the operator's. */
  readonly maxAge?: number;
}

/** Checks the values that the caller of a login states. Returns a sentence about the fault, or null. */
export function loginFault(
  {
    userId,
    maxAge = 0,
    authentication,
    claims = NO_CLAIMS,
  }: Pick<Login, 'userId' | 'maxAge' | 'authentication' | 'claims'>,
  { sessionMaxAge, clockSkew }: Policy,
  now: number,
): string | null {
  if (maxAge > sessionMaxAge) return `The parameter maxAge must be at most ${sessionMaxAge / 1000} seconds.`;
  const isFuture = (authentication?.authTime ?? 0) > now + clockSkew;
  if (isFuture) return 'The parameter authTime must not be in the future.';
  const fault = claimsFault(claims, claimsLimit(MAX_SESSION_CLAIMS, userId));
  return fault === null ? null : `The claims ${fault}.`;
}

/**
 * The family at login, without the claims of its user, which the store adds. Its policies are stored with it, so that
 * a refresh through another door follows the same policies.
 */
export function newFamily(login: Login, first: CurrentPair, policy: Policy): TokenFamily {
  const { client, maxAge = policy.sessionMaxAge, claims = NO_CLAIMS } = login;
  // Assigned field by field: an object of this size that is built by spreading is slow to create and to read.
  return {
    generation: first.generation,
    hashedRefreshTokenId: first.hashedRefreshTokenId,
    hashedPreviousTokenId: first.hashedPreviousTokenId,
    retryKeyHash: first.retryKeyHash,
    scheme: first.scheme,
    seed: first.seed,
    accessKeyId: first.accessKeyId,
    refreshKeyId: first.refreshKeyId,
    accessExpiresAt: first.accessExpiresAt,
    refreshExpiresAt: first.refreshExpiresAt,
    address: first.address,
    userAgent: first.userAgent,
    productHash: first.productHash,
    rotatedAt: first.rotatedAt,
    tokenFamily: login.tokenFamily,
    userId: login.userId,
    paired: login.paired,
    door: login.door,
    clientId: login.clientId,
    confidential: login.confidential ?? false,
    remembered: login.remembered ?? true,
    jkt: login.jkt ?? null,
    contact: login.contact,
    onAddressChange: login.onAddressChange ?? policy.onAddressChange,
    onUserAgentChange: policy.onUserAgentChange,
    loginAddress: client.address,
    knownSinceLogin: [notificationSubject.network(client.address), notificationSubject.product(client)],
    createdAt: first.rotatedAt,
    authentication: authenticationAtLogin(login, first.rotatedAt),
    deviceName: login.deviceName ?? null,
    sessionClaims: claims,
    claims,
    nextClaims: null,
    expiresAt: floorToSecond(first.rotatedAt) + Math.min(maxAge, policy.sessionMaxAge),
    revoked: null,
  };
}

function authenticationAtLogin({ authentication = {} }: Login, now: number): Authentication {
  const { authTime = now, amr = [], acr = null } = authentication;
  return { authTime: Math.min(authTime, now), amr, acr, generation: 0 };
}
