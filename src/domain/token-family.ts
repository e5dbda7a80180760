import type { Authentication } from './authentication.ts';
import { type Claims, NO_CLAIMS } from './claims.ts';
import type { ClientInfo } from './events.ts';
import { networkOf } from './network.ts';
import type { ChangePolicy, Policy } from './policy.ts';
import type { RevocationReason } from './revocation.ts';
import { distinctProduct } from './user-agent.ts';

/** The HTTP contracts of other systems that this service offers beside its own. */
export type FrontDoor = 'session-id' | 'cookie-pair' | 'task-api';

/** The HTTP contract that opened a session. The door may add claims to the access token. */
export type Door = 'canonical' | FrontDoor;

/** Whether a door can ask for a second factor. The doors of other systems have one step only. */
export function hasSecondStep(door: Door): boolean {
  return door === 'canonical';
}

/**
 * The columns that every rotation replaces. The current pair can be minted from them, and minted again. No column can
 * be presented as a token: hashes are keyed, and the seed yields a token only together with the hash key.
 * Times in milliseconds.
 */
export interface CurrentPair {
  /** 0 at login, one more at each rotation. */
  readonly generation: number;
  /** Keyed hash of the current refresh token's jti, base64url. */
  readonly hashedRefreshTokenId: string;
  /** Keyed hash of the previous refresh token's jti, base64url; null at login. */
  readonly hashedPreviousTokenId: string | null;
  /** Keyed hash of the operation and `Idempotency-Key` of the last rotation; null without a key. */
  readonly retryKeyHash: string | null;
  /** How the hashes and ids of this generation were made: hash function, parameters, key id. */
  readonly scheme: string;
  /** 16 random bytes, new for each generation. */
  readonly seed: Uint8Array;
  readonly accessKeyId: string;
  readonly refreshKeyId: string;
  readonly accessExpiresAt: number;
  readonly refreshExpiresAt: number;
  readonly address: string;
  /** The stored part of the user agent, see {@link cutUserAgent}. */
  readonly userAgent: string;
  /** Hash of the full user agent's product, base64url; null in rows of older releases. */
  readonly productHash: string | null;
  readonly rotatedAt: number;
}

/** All refresh tokens that descend from one login: the session. `tokenFamily` and `userId` never change. */
export interface TokenFamily extends CurrentPair {
  readonly tokenFamily: string;
  readonly userId: string;
  /** True: refreshed with both tokens. False: refreshed with the refresh token alone. */
  readonly paired: boolean;
  readonly door: Door;
  /** The `client_id` of the access tokens (RFC 9068): the service key that opened the session, or this service. */
  readonly clientId: string;
  /** Whether a request must authenticate as `clientId` to use the refresh tokens (RFC 6749 section 6). */
  readonly confidential: boolean;
  /** False: the user did not want to be remembered, so cookies of the session end with the browser. */
  readonly remembered: boolean;
  /** The thumbprint of the key to which the session is bound (RFC 9449); null if it is not bound. Never changes. */
  readonly jkt: string | null;
  /** The mail address for messages about this session when the user has no registered address. */
  readonly contact: string | null;
  readonly onAddressChange: ChangePolicy;
  readonly onUserAgentChange: ChangePolicy;
  readonly loginAddress: string;
  /** The subjects of {@link Occurrence.oncePerDay} that the login already showed to the user. */
  readonly knownSinceLogin: readonly string[];
  readonly createdAt: number;
  readonly authentication: Authentication;
  /** The name of the device, as the login or an operator gave it. */
  readonly deviceName: string | null;
  /** The session's own claims. They override the claims of the user. */
  readonly sessionClaims: Claims;
  /** The merged claims in the access token of the current pair. */
  readonly claims: Claims;
  /** The merged claims that come with the next pair; null: the same claims again. */
  readonly nextClaims: Claims | null;
  /** When the session ends. A refresh does not move it. */
  readonly expiresAt: number;
  readonly revoked: { readonly at: number; readonly reason: RevocationReason } | null;
}

/** The subjects of which a user is notified at most once a day: a network, a product. */
export const notificationSubject = {
  network: (address: string) => networkOf(address),
  product: (client: ClientInfo) => `agent ${distinctProduct(client)}`,
  /** All requests that do not prove the key of the session, from any network. */
  foreignKey: 'foreign key',
};

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
  { maxAge = 0, authentication }: Pick<Login, 'maxAge' | 'authentication'>,
  { sessionMaxAge, clockSkew }: Policy,
  now: number,
): string | null {
  if (maxAge > sessionMaxAge) return `querystring/maxAge must be at most ${sessionMaxAge / 1000} seconds.`;
  const isFuture = (authentication?.authTime ?? 0) > now + clockSkew;
  return isFuture ? 'querystring/authTime must not be in the future.' : null;
}

/**
 * The family at login, without the claims of its user, which the store adds. Its policies are stored with it, so that
 * no other door can soften them.
 */
export function newFamily(login: Login, first: CurrentPair, policy: Policy): TokenFamily {
  const { client, maxAge = policy.sessionMaxAge, claims = NO_CLAIMS, ...identity } = login;
  return {
    ...identity,
    ...first,
    confidential: login.confidential ?? false,
    remembered: login.remembered ?? true,
    jkt: login.jkt ?? null,
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

/**
 * When the tokens of a pair minted now expire, rounded to whole seconds because the claims hold whole seconds. The end
 * of the session is not known here: see {@link effectiveExpiries}.
 */
export function tokenExpiries(now: number, policy: Policy) {
  const issuedAt = floorToSecond(now);
  return {
    accessExpiresAt: issuedAt + policy.accessTokenAge,
    refreshExpiresAt: issuedAt + policy.refreshTokenAge,
  };
}

/** When the tokens of the current pair expire. No token outlives its session. */
export function effectiveExpiries({ accessExpiresAt, refreshExpiresAt, expiresAt }: TokenFamily) {
  return { access: Math.min(accessExpiresAt, expiresAt), refresh: Math.min(refreshExpiresAt, expiresAt) };
}

function floorToSecond(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}
