/** Claims that a trusted backend or an operator adds to access tokens: the members of a JSON object. */
export type Claims = Readonly<Record<string, unknown>>;

export const NO_CLAIMS: Claims = {};

/** The limits in bytes of JSON. Together with the service's own claims, an access token stays under 4 KiB. */
export const MAX_USER_CLAIMS = 1_024;
export const MAX_SESSION_CLAIMS = 512;

/** A user id of at most this many bytes of JSON does not reduce the limits of claims. */
const USER_ID_BYTES = 128;

/** How often an access token names its user: `sub`, `userId`, and `guid` at one front door. */
const USER_ID_COPIES = 3;

/**
 * The limit of the claims of this user. An id of more than {@link USER_ID_BYTES} reduces both limits, in
 * proportion.
 */
export function claimsLimit(max: number, userId: string): number {
  const excess = USER_ID_COPIES * Math.max(0, bytesOf(userId) - '""'.length - USER_ID_BYTES);
  return Math.floor(
    (max * (MAX_USER_CLAIMS + MAX_SESSION_CLAIMS - excess)) / (MAX_USER_CLAIMS + MAX_SESSION_CLAIMS),
  );
}

/** How deeply objects and arrays may be nested. The object of the claims is the first level. */
export const MAX_CLAIMS_DEPTH = 3;

/**
 * The names that the service itself sets. RFC 7519 section 4.1 registers those of the first line.
 */
const OWN_NAMES: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'],
  ...['userId', 'sid', 'linkerId', 'userIp', 'client_id', 'session_id', 'guid', 'tokenFamily', 'generation'],
  ...['auth_time', 'amr', 'acr', 'cnf', 'at_hash', 'typ'],
  ...['active', 'token_type', 'username', 'email_verified'],
]);

/** Why these are not acceptable claims, as the end of a sentence; null if they are acceptable. */
export function claimsFault(claims: Claims, maxBytes: number): string | null {
  const own = Object.keys(claims).find((name) => OWN_NAMES.has(name));
  if (own !== undefined) return `must not contain ${own}, which the service itself sets`;
  if (isDeeperThan(MAX_CLAIMS_DEPTH, claims))
    return `must not be nested deeper than ${MAX_CLAIMS_DEPTH} levels`;
  if (!isStorable(claims))
    return 'must not contain the name __proto__, NUL, an unpaired surrogate or a number that is too large';
  return bytesOf(claims) > maxBytes ? `must have at most ${maxBytes} bytes of JSON` : null;
}

function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

/** The claims of an access token: those of the user, overridden by those of the session. */
export function mergeClaims(ofUser: Claims, ofSession: Claims): Claims {
  return { ...ofUser, ...ofSession };
}

/** Picks from all claims of an access token those that the service does not set. */
export function pickClaims(all: Claims): Claims {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !OWN_NAMES.has(name)));
}

/** The names of claims, for events: the values can be personal. */
export function claimNames(claims: Claims): readonly string[] {
  return Object.keys(claims).sort();
}

/** The same claims with sorted names at each level, so that equal claims are equal bytes. */
export function sortClaims(claims: Claims): Claims {
  return sortMembers(claims) as Claims;
}

/** The order of members does not count. */
export function areEqualClaims(one: Claims, other: Claims): boolean {
  return JSON.stringify(sortClaims(one)) === JSON.stringify(sortClaims(other));
}

function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers);
  if (!isObject(value)) return value;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sortMembers(member)]));
}

/** Stops at the limit: a body can be nested so deeply that a complete recursion would exceed the stack. */
function isDeeperThan(levels: number, value: unknown): boolean {
  if (!isObject(value)) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(levels - 1, member));
}

/** PostgreSQL stores neither NUL nor unpaired surrogates in `jsonb`. `__proto__` is no plain member in JavaScript. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !/\0|\p{Cs}/u.test(value);
  if (typeof value === 'number') return Number.isFinite(value); // JSON.parse reads 1e400 as infinity
  if (!isObject(value)) return true;
  return Object.entries(value).every(
    ([name, member]) => name !== '__proto__' && isStorable(name) && isStorable(member),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
