import type { Authentication } from './authentication.ts';
import type { Claims } from './claims.ts';
import type { ClientInfo } from './client-info.ts';
import type { Door } from './door.ts';
import type { Confirmation } from './dpop.ts';
import { networkOf } from './network.ts';
import type { ChangePolicy, Policy } from './policy.ts';
import type { RevocationReason } from './revocation.ts';
import { productKeyOf } from './user-agent.ts';

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
  /** The network and the product of the login, as {@link notificationSubject}: the user is not notified of them. */
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

/** Whether the session can still be used: it has not been ended, and its time is not over. */
export function isLive(
  { revoked, expiresAt }: Pick<TokenFamily, 'revoked' | 'expiresAt'>,
  now: number,
): boolean {
  return revoked === null && now < expiresAt;
}

/**
 * Whether the token is bound to the key of its session, or both are unbound. A token without `cnf` must not be accepted
 * for a bound session, even with a valid signature.
 */
export function hasBindingOf(
  { jkt }: Pick<TokenFamily, 'jkt'>,
  { cnf }: { readonly cnf?: Confirmation | undefined },
): boolean {
  return jkt === (cnf?.jkt ?? null);
}

/**
 * What a user is notified of at most once a day for each session: a new network, a new product, or requests without the
 * key.
 */
export const notificationSubject = {
  network: (address: string) => networkOf(address),
  product: (client: ClientInfo) => `agent ${productKeyOf(client)}`,
  /** All requests that do not prove the key of the session, from any network. */
  foreignKey: 'foreign key',
};

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

export function floorToSecond(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}
