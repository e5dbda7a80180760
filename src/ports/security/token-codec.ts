import type { Claims } from '../../domain/claims.ts';
import type { AccessClaims, AccessHalf, RefreshClaims } from '../../domain/token-pair.ts';

/**
 * Encodes and decodes tokens as compact JWS (RFC 7515), and adds and checks issuer and audience. The same claims
 * under the same key give the same bytes, except under ES256.
 */
export interface TokenCodec {
  /** The ids of the current signing keys. */
  readonly signingKeys: { readonly accessKeyId: string; readonly refreshKeyId: string };

  /** Signs under the named key, or under the current key if the named one is no longer configured. */
  signAccess(claims: AccessClaims, keyId: string): Promise<string>;
  signRefresh(claims: RefreshClaims, keyId: string): Promise<string>;

  /**
   * Verifies form, header, signature, issuer and audience of a refresh token, but not its times, and returns the
   * claims. Rejects with a {@link Refusal}: `malformed_token`, `invalid_token`.
   */
  readRefresh(token: string): Promise<RefreshClaims>;

  /**
   * Reads an access token without verification. Throws a {@link Refusal}: `malformed_token`, or `invalid_token` for a
   * refresh token.
   */
  readAccessHalf(token: string): AccessHalf;

  /**
   * Verifies an access token at `now` (milliseconds) and returns its claims. Checks form, header, signature, issuer,
   * audience and `exp`, and that `iat` and `nbf` are not in the future. `leeway` (milliseconds) allows for clock skew.
   * Rejects with a {@link Refusal}: `unauthenticated`, or `unavailable` if an unknown key cannot be looked up.
   */
  verifyAccess(token: string, now: number, leeway: number): Promise<AccessClaims>;

  /** The issuer and audience of a token. Does not verify, so the token must be verified before. */
  readIssuerAndAudience(token: string): { readonly issuer: string; readonly audience: string };

  /**
   * The claims of an access token that the service does not set. Does not verify, so the token must be verified before.
   */
  readAddedClaims(token: string): Claims;

  /** `at_hash` of an access token: the left half of its SHA-512, base64url (OpenID Connect Core 3.1.3.6). */
  accessHash(token: string): string;
}
