import { type AuthenticationClaims, pickAuthentication } from './authentication.ts';
import { type Confirmation, isConfirmation } from './dpop.ts';
import type { RefusalCode } from './refusal.ts';
import { isCanonicalUuid, isUserId } from './user-id.ts';

/** The claims of an access token without issuer and audience. Times in whole seconds (RFC 7519). */
export interface AccessClaims extends AuthenticationClaims {
  readonly sub: string;
  readonly userId: string;
  readonly sid: string;
  readonly jti: string;
  readonly linkerId: string;
  readonly userIp: string;
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  /** Only in a bound session. */
  readonly cnf?: Confirmation;
  /** Copies of `sid` and `sub`, in sessions that the door `session-id` opened. */
  readonly session_id?: string;
  readonly guid?: string;
}

/**
 * The claims of a refresh token without issuer and audience. Only a paired session has `at_hash`, and only a bound
 * session has `cnf`.
 */
export interface RefreshClaims {
  readonly sub: string;
  readonly jti: string;
  readonly linkerId: string;
  readonly userIp: string;
  readonly tokenFamily: string;
  readonly generation: number;
  readonly iat: number;
  readonly exp: number;
  readonly at_hash?: string;
  readonly cnf?: Confirmation;
}

/** The unverified claims of a presented access token, and the `at_hash` of its bytes. */
export interface AccessHalf {
  readonly linkerId: string;
  readonly sid: string;
  readonly hash: string;
}

/** The highest accepted generation. Its successor still fits into a 32-bit column. */
const MAX_GENERATION = 2 ** 31 - 2;

/** The claims if they have the shape of a refresh token's claims, otherwise null. */
export function asRefreshClaims(claims: Readonly<Record<string, unknown>>): RefreshClaims | null {
  const { sub, jti, linkerId, userIp, tokenFamily, generation, iat, exp, at_hash, cnf } = claims;
  if (!isUserId(sub) || !isId(jti) || !isId(linkerId) || !isId(tokenFamily)) return null;
  if (!isShortText(userIp) || !isCount(generation) || generation > MAX_GENERATION) return null;
  if (!isCount(iat) || !isCount(exp)) return null;
  if (at_hash !== undefined && !isShortText(at_hash)) return null;
  if (cnf !== undefined && !isConfirmation(cnf)) return null;
  const unpaired = { sub, jti, linkerId, userIp, tokenFamily, generation, iat, exp };
  const unbound = at_hash === undefined ? unpaired : { ...unpaired, at_hash };
  return cnf === undefined ? unbound : { ...unbound, cnf: { jkt: cnf.jkt } };
}

/** The claims if they have an access token's shape and are valid at `now` (milliseconds), otherwise null. */
export function asAccessClaims(
  claims: Readonly<Record<string, unknown>>,
  now: number,
  leeway: number,
): AccessClaims | null {
  const { sub, userId, sid, jti, linkerId, userIp, client_id, iat, exp, nbf, cnf } = claims;
  if (!isUserId(sub) || userId !== sub || !isId(sid) || !isId(linkerId) || jti !== linkerId) return null;
  if (!isShortText(userIp) || !isShortText(client_id) || !isCount(iat) || !isCount(exp)) return null;
  const validFrom = nbf === undefined ? iat : Math.max(iat, Number(nbf));
  const isValidNow = now < exp * 1000 && validFrom * 1000 <= now + leeway;
  if (!isValidNow || !hasAuthentication(claims)) return null;
  if (cnf !== undefined && !isConfirmation(cnf)) return null;
  const own = { sub, userId: sub, sid, jti: linkerId, linkerId, userIp, client_id, iat, exp };
  return { ...own, ...pickAuthentication(claims), ...(cnf !== undefined && { cnf: { jkt: cnf.jkt } }) };
}

function hasAuthentication(
  claims: Readonly<Record<string, unknown>>,
): claims is Readonly<Record<string, unknown>> & AuthenticationClaims {
  const { auth_time, amr, acr } = claims;
  return (
    (auth_time === undefined || isCount(auth_time)) &&
    (amr === undefined || (Array.isArray(amr) && amr.every(isShortText))) &&
    (acr === undefined || isShortText(acr))
  );
}

/** The claims of an access token that identify the pair and the session; null if the claims have another shape. */
export function asAccessHalf(claims: Readonly<Record<string, unknown>>, hash: string): AccessHalf | null {
  const { linkerId, sid } = claims;
  return isId(linkerId) && isId(sid) ? { linkerId, sid, hash } : null;
}

/**
 * Checks without the row that both tokens form a pair and that the refresh token has not expired. Returns the refusal
 * code, or null.
 *
 * A paired session needs both tokens. The refresh token's `at_hash` (OpenID Connect Core 3.1.3.6) must match the access
 * token. So the access token's signature need not be verified, and its `exp` does not matter.
 *
 * @param now milliseconds since the epoch
 */
export function judgePair(
  refresh: RefreshClaims,
  access: AccessHalf | null,
  now: number,
): RefusalCode | null {
  if (!isPaired(refresh)) {
    if (access !== null && access.sid !== refresh.tokenFamily) return 'pair_mismatch';
  } else {
    if (access === null || access.linkerId !== refresh.linkerId) return 'pair_mismatch';
    if (access.hash !== refresh.at_hash) return 'invalid_token';
  }
  return now >= refresh.exp * 1000 ? 'token_expired' : null;
}

/** Whether a refresh needs the access token too. */
export function isPaired({ at_hash }: RefreshClaims): boolean {
  return at_hash !== undefined;
}

/** Whole seconds that a token with this `exp` has left, never negative. */
export function secondsLeft(exp: number, now: number): number {
  return Math.max(0, exp - Math.floor(now / 1000));
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && isCanonicalUuid(value);
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 100;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
