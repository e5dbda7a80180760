import type { AccessClaims, AccessHalf, RefreshClaims } from '../../domain/token-pair.ts';

/**
 * Tokens as text: compact JWS (RFC 7515), with issuer and audience added and checked here. The same claims under
 * the same key give the same bytes.
 */
export interface TokenCodec {
  /** The keys that sign now. */
  readonly signingKeys: { readonly accessKeyId: string; readonly refreshKeyId: string };

  /** Signs under the named key, or under today's if that one is configured no more. */
  signAccess(claims: AccessClaims, keyId: string): Promise<string>;
  signRefresh(claims: RefreshClaims, keyId: string): Promise<string>;

  /**
   * The claims of a refresh token whose form, header, signature, issuer and audience are right; its times are
   * not judged. Rejects with a {@link Refusal}: `malformed_token`, `invalid_token`.
   */
  readRefresh(token: string): Promise<RefreshClaims>;

  /**
   * What an access token says of itself, unverified. Throws a {@link Refusal}: `malformed_token`, or
   * `invalid_token` for a refresh token.
   */
  readAccessHalf(token: string): AccessHalf;

  /**
   * The claims of an access token that is good at `now` (milliseconds): form, header, signature, issuer, audience,
   * `exp`, and neither `iat` nor `nbf` in the future, with `leeway` (milliseconds) for clocks that differ.
   * Rejects with a {@link Refusal} `unauthenticated`.
   */
  verifyAccess(token: string, now: number, leeway: number): Promise<AccessClaims>;

  /** Who made a token, and for whom, as it says itself: to be asked of one that was verified. */
  partiesOf(token: string): { readonly issuer: string; readonly audience: string };

  /** `at_hash` of an access token: the left half of its SHA-512, base64url (OpenID Connect Core 3.1.3.6). */
  accessHash(token: string): string;
}
