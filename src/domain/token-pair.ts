import type { RefusalCode } from './refusal.ts';

/** The claims of an access token, issuer and audience aside. Times in whole seconds (RFC 7519). */
export interface AccessClaims {
  readonly sub: string;
  readonly userId: string;
  readonly sid: string;
  readonly jti: string;
  readonly linkerId: string;
  readonly userIp: string;
  readonly client_id: string;
  readonly iat: number;
  readonly exp: number;
  /** `sid` and `sub` once more: in sessions that were opened at the door `session-id`. */
  readonly session_id?: string;
  readonly guid?: string;
}

/** The claims of a refresh token, issuer and audience aside. `at_hash` is there in a paired session alone. */
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
}

/** What a presented access token says of itself, unverified, and the `at_hash` of its very bytes. */
export interface AccessHalf {
  readonly linkerId: string;
  readonly sid: string;
  readonly hash: string;
}

/** Generations beyond this are no token of ours; it leaves room for the next one in a 32-bit column. */
const MAX_GENERATION = 2 ** 31 - 2;

/** The claims if they have the shape of a refresh token's, else null. */
export function asRefreshClaims(claims: Readonly<Record<string, unknown>>): RefreshClaims | null {
  const { sub, jti, linkerId, userIp, tokenFamily, generation, iat, exp, at_hash } = claims;
  if (!isUuid(sub) || !isUuid(jti) || !isUuid(linkerId) || !isUuid(tokenFamily)) return null;
  if (!isShortText(userIp) || !isCount(generation) || generation > MAX_GENERATION) return null;
  if (!isCount(iat) || !isCount(exp)) return null;
  if (at_hash !== undefined && !isShortText(at_hash)) return null;
  const unpaired = { sub, jti, linkerId, userIp, tokenFamily, generation, iat, exp };
  return at_hash === undefined ? unpaired : { ...unpaired, at_hash };
}

/** The claims if they have the shape of an access token's that is good at `now`, else null. Milliseconds. */
export function asAccessClaims(
  claims: Readonly<Record<string, unknown>>,
  now: number,
  leeway: number,
): AccessClaims | null {
  const { sub, userId, sid, jti, linkerId, userIp, client_id, iat, exp, nbf } = claims;
  if (!isUuid(sub) || userId !== sub || !isUuid(sid) || !isUuid(linkerId) || jti !== linkerId) return null;
  if (!isShortText(userIp) || !isShortText(client_id) || !isCount(iat) || !isCount(exp)) return null;
  const begins = nbf === undefined ? iat : Math.max(iat, Number(nbf));
  const good = now < exp * 1000 && begins * 1000 <= now + leeway;
  return good ? { sub, userId: sub, sid, jti: linkerId, linkerId, userIp, client_id, iat, exp } : null;
}

/** What names the pair and the session in an access token's claims, or null if they have another shape. */
export function asAccessHalf(claims: Readonly<Record<string, unknown>>, hash: string): AccessHalf | null {
  const { linkerId, sid } = claims;
  return isUuid(linkerId) && isUuid(sid) ? { linkerId, sid, hash } : null;
}

/**
 * Whether the halves belong together and the pair is still good, before any row is read.
 *
 * A paired session is refreshed with both halves, and the access token must be the very one that the refresh
 * token names (`at_hash`, OpenID Connect Core 3.1.3.6): so its signature need not be verified again, and its own
 * `exp` does not matter.
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

/** Whether a refresh token is good together with its access token only. */
export function isPaired({ at_hash }: RefreshClaims): boolean {
  return at_hash !== undefined;
}

/** Whole seconds that an access token with this `exp` has left, never negative. */
export function secondsLeft(exp: number, now: number): number {
  return Math.max(0, exp - Math.floor(now / 1000));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 100;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
