import type { Client } from './events.ts';
import { networkOf } from './network.ts';
import type { ChangePolicy, Policy } from './policy.ts';
import type { RevocationReason } from './revocation.ts';
import { distinctProduct } from './user-agent.ts';

/** The contracts of other systems that are spoken beside the canonical one. */
export type FrontDoor = 'session-id' | 'cookie-pair' | 'task-api';

/** The HTTP contract through which a session was opened; it may add claims to the access token. */
export type Door = 'canonical' | FrontDoor;

/**
 * What every rotation replaces: the facts from which the current pair can be minted, and minted again. None of
 * them can be presented: hashes are keyed, and the seed yields a token only together with the hash key.
 * Times in milliseconds.
 */
export interface CurrentPair {
  /** 0 at login, one more at each rotation. */
  readonly generation: number;
  /** Keyed hash of the current refresh token's jti, base64url. */
  readonly hashedRefreshTokenId: string;
  /** The same of the token that was rotated to get here; null at login. */
  readonly previousHash: string | null;
  /** Keyed hash of the `Idempotency-Key` of the rotation that led here. */
  readonly retryKeyHash: string | null;
  /** How all of these were hashed and derived: hasher, its parameters, key id. */
  readonly scheme: string;
  /** 16 random bytes, drawn for this generation alone. */
  readonly seed: Uint8Array;
  readonly accessKeyId: string;
  readonly refreshKeyId: string;
  readonly accessExpiresAt: number;
  readonly refreshExpiresAt: number;
  readonly address: string;
  /** As far as it is kept, see {@link cutUserAgent}. */
  readonly userAgent: string;
  /** Hash of the product of the whole agent, base64url; null in rows of older releases. */
  readonly productHash: string | null;
  readonly rotatedAt: number;
}

/** All refresh tokens that descend from one login: the session. `tokenFamily` and `userId` never change. */
export interface TokenFamily extends CurrentPair {
  readonly tokenFamily: string;
  readonly userId: string;
  /** Refreshed with both tokens, or with the refresh token alone. */
  readonly paired: boolean;
  readonly door: Door;
  /** The `client_id` of its access tokens (RFC 9068): the service key that opened it, or this service. */
  readonly clientId: string;
  /** Whether a request must authenticate as that client to use its refresh tokens (RFC 6749 section 6). */
  readonly confidential: boolean;
  /** Where to write about this session when the user has no registered address. */
  readonly contact: string | null;
  readonly onAddressChange: ChangePolicy;
  readonly onUserAgentChange: ChangePolicy;
  readonly loginAddress: string;
  /** The subjects of {@link Occurrence.oncePerDay} that the user knows from the login itself. */
  readonly knownSinceLogin: readonly string[];
  readonly createdAt: number;
  /** The end of the session however often it is refreshed. */
  readonly expiresAt: number;
  readonly revoked: { readonly at: number; readonly reason: RevocationReason } | null;
}

/** What a user is told of once a day: a network, a product. */
export const toldSubject = {
  network: (address: string) => networkOf(address),
  product: (client: Client) => `agent ${distinctProduct(client)}`,
};

export interface Login {
  readonly tokenFamily: string;
  readonly userId: string;
  readonly paired: boolean;
  readonly door: Door;
  readonly clientId: string;
  /** False where it is left out. */
  readonly confidential?: boolean;
  readonly contact: string | null;
  readonly client: Client;
  /** What the door wants of this session, whatever the operator's policy says of others. */
  readonly onAddressChange?: ChangePolicy;
}

/** A session as it is at login: its policies are written into it, so that no other door softens them. */
export function openFamily(login: Login, first: CurrentPair, policy: Policy): TokenFamily {
  const { client, ...identity } = login;
  return {
    ...identity,
    ...first,
    confidential: login.confidential ?? false,
    onAddressChange: login.onAddressChange ?? policy.onAddressChange,
    onUserAgentChange: policy.onUserAgentChange,
    loginAddress: client.address,
    knownSinceLogin: [toldSubject.network(client.address), toldSubject.product(client)],
    createdAt: first.rotatedAt,
    expiresAt: first.rotatedAt + policy.sessionMaxAge,
    revoked: null,
  };
}

/** When the tokens of a pair minted now expire: whole seconds, as their claims can say it. */
export function expiriesFrom(now: number, policy: Policy) {
  const issuedAt = Math.floor(now / 1000) * 1000;
  return {
    accessExpiresAt: issuedAt + policy.accessTokenAge,
    refreshExpiresAt: issuedAt + policy.refreshTokenAge,
  };
}
