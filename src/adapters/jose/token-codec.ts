import { hash } from 'node:crypto';
import { pickClaims } from '../../domain/claims.ts';
import { KEY_ALGORITHMS } from '../../domain/key-set.ts';
import { Refusal } from '../../domain/refusal.ts';
import { asAccessClaims, asAccessHalf, asRefreshClaims } from '../../domain/token-pair.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import { type Header, readCompact } from './compact.ts';
import { combineKeys, createHmacKeyRing, type KeyRing, type VerificationKeys } from './key-ring.ts';

interface Options {
  /** Newest first: new tokens carry the first issuer and audience, tokens with any of them are accepted. */
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly accessKeys: readonly NamedKey[];
  readonly refreshKeys: readonly NamedKey[];
  /** Further keys of access tokens. If they sign, `accessKeys` only verify. Otherwise `accessKeys` sign. */
  readonly keySet?: AccessKeySet;
}

export type AccessKeySet =
  | { readonly signs: true; readonly ring: KeyRing }
  | { readonly signs: false; readonly ring: VerificationKeys };

const ACCESS_TYPE = 'at+jwt';
const REFRESH_TYPE = 'rt+jwt';

/** Creates the codec of tokens as compact JWS (RFC 7515). */
export function createTokenCodec(options: Options): TokenCodec {
  const accessKeys = createAccessKeyRing(options);
  const refreshKeys = createHmacKeyRing(options.refreshKeys);
  const [issuer = ''] = options.issuers;
  const [audience = ''] = options.audiences;

  const refreshRules = {
    typ: REFRESH_TYPE,
    keys: refreshKeys,
    issuers: options.issuers,
    audiences: options.issuers,
    code: 'invalid_token',
  } as const;
  const accessRules = {
    typ: ACCESS_TYPE,
    keys: accessKeys,
    issuers: options.issuers,
    audiences: options.audiences,
    code: 'unauthenticated',
  } as const;

  return {
    get signingKeys() {
      return { accessKeyId: accessKeys.current().id, refreshKeyId: refreshKeys.current().id };
    },

    signAccess: (claims, keyId) =>
      sign({ iss: issuer, aud: audience, ...claims }, ACCESS_TYPE, accessKeys, keyId),

    // The audience of a refresh token is this service: no resource server accepts it.
    signRefresh: (claims, keyId) =>
      sign({ iss: issuer, aud: issuer, ...claims }, REFRESH_TYPE, refreshKeys, keyId),

    async readRefresh(token) {
      const { header, payload } = parse(token);
      refuseType(header, ACCESS_TYPE);
      const claims = asRefreshClaims(payload);
      if (claims === null) throw new Refusal('malformed_token');
      await verify(token, { header, payload }, refreshRules);
      return claims;
    },

    async verifyAccess(token, now, leeway) {
      const parts = readCompact(token);
      const claims = parts && asAccessClaims(parts.payload, now, leeway);
      if (!parts || !claims) throw new Refusal('unauthenticated');
      await verify(token, parts, accessRules);
      return claims;
    },

    readAccessHalf(token) {
      const { header, payload } = parse(token);
      refuseType(header, REFRESH_TYPE);
      const half = asAccessHalf(payload, accessHash(token));
      if (half === null) throw new Refusal('malformed_token');
      return half;
    },

    readIssuerAndAudience(token) {
      const { iss, aud } = parse(token).payload;
      return { issuer: String(iss), audience: String(aud) };
    },

    readAddedClaims: (token) => pickClaims(parse(token).payload),

    accessHash,
  };
}

/**
 * Keys that do not sign still verify. So after a change of the algorithm, access tokens are valid until they expire.
 */
function createAccessKeyRing({ accessKeys, keySet }: Options): KeyRing {
  const hmac = createHmacKeyRing(accessKeys);
  if (keySet === undefined) return hmac;
  return keySet.signs ? combineKeys(keySet.ring, hmac) : combineKeys(hmac, keySet.ring);
}

/** The requirements for a token. `code` is the code of the refusal. */
interface TokenRules {
  readonly typ: string;
  readonly keys: KeyRing;
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly code: 'invalid_token' | 'unauthenticated';
}

async function verify(
  token: string,
  { header, payload }: ReturnType<typeof parse>,
  { typ, keys, issuers, audiences, code }: TokenRules,
): Promise<void> {
  const isExpected =
    isOwnHeader(header, typ) && isOneOf(issuers, payload.iss) && isOneOf(audiences, payload.aud);
  const key = isExpected && (keys.find(header.kid) ?? (await fetchUnknownKey(header, keys)));
  if (!key || key.alg !== header.alg || !(await key.verify(token))) throw new Refusal(code);
}

/**
 * Another replica may sign with an asymmetric key that this replica has not read yet. HMAC keys are all known: the
 * configuration has them.
 */
async function fetchUnknownKey({ alg, kid }: OwnHeader, keys: KeyRing) {
  return isOneOf(KEY_ALGORITHMS, alg) ? keys.fetchUnknownKey(kid) : undefined;
}

async function sign(claims: object, typ: string, keys: KeyRing, keyId: string): Promise<string> {
  const named = keys.find(keyId);
  const { id, sign } = named?.sign ? named : keys.current();
  if (sign === null) throw new Error(`Key ${id} has no private part and cannot sign.`);
  return sign(typ, JSON.stringify(claims));
}

function parse(token: string) {
  const parts = readCompact(token);
  if (parts === null) throw new Refusal('malformed_token');
  return parts;
}

/** An access token in place of a refresh token, or the reverse, is well formed: the code is `invalid_token`. */
function refuseType(header: Header, type: string): void {
  if (header.typ === type) throw new Refusal('invalid_token');
}

interface OwnHeader extends Header {
  readonly alg: string;
  readonly kid: string;
}

/** Accepts only the three members that this service writes. No other member can select a key or an extension. */
function isOwnHeader(header: Header, typ: string): header is OwnHeader {
  return (
    Object.keys(header).length === 3 &&
    typeof header.alg === 'string' &&
    header.typ === typ &&
    typeof header.kid === 'string'
  );
}

function isOneOf(accepted: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && accepted.includes(value);
}

function accessHash(token: string): string {
  return hash('sha512', token, 'buffer').subarray(0, 32).toString('base64url');
}
