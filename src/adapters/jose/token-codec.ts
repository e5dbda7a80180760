import { hash } from 'node:crypto';
import { KEY_ALGORITHMS } from '../../domain/key-set.ts';
import { Refusal } from '../../domain/refusal.ts';
import { asAccessClaims, asAccessHalf, asRefreshClaims } from '../../domain/token-pair.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import { type Header, readCompact } from './compact.ts';
import { createHmacRing, eitherRing, type KeyRing, type KnownKeys } from './key-ring.ts';

interface Options {
  /** Newest first: the first is put into tokens, all of them are accepted. */
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly accessKeys: readonly NamedKey[];
  readonly refreshKeys: readonly NamedKey[];
  /** More keys of access tokens; where they sign, `accessKeys` only check, and the other way round. */
  readonly keySet?: AccessKeySet;
}

export type AccessKeySet =
  | { readonly signs: true; readonly ring: KeyRing }
  | { readonly signs: false; readonly ring: KnownKeys };

const ACCESS_TYPE = 'at+jwt';
const REFRESH_TYPE = 'rt+jwt';

/** Tokens as compact JWS. */
export function createTokenCodec(options: Options): TokenCodec {
  const accessKeys = accessRing(options);
  const refreshKeys = createHmacRing(options.refreshKeys);
  const [issuer = ''] = options.issuers;
  const [audience = ''] = options.audiences;

  const ofRefresh = {
    typ: REFRESH_TYPE,
    keys: refreshKeys,
    issuers: options.issuers,
    audiences: options.issuers,
    code: 'invalid_token',
  } as const;
  const ofAccess = {
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

    // The audience of a refresh token is the service itself: nobody else is to read it.
    signRefresh: (claims, keyId) =>
      sign({ iss: issuer, aud: issuer, ...claims }, REFRESH_TYPE, refreshKeys, keyId),

    async readRefresh(token) {
      const { header, payload } = parse(token);
      refuseType(header, ACCESS_TYPE);
      const claims = asRefreshClaims(payload);
      if (claims === null) throw new Refusal('malformed_token');
      await verify(token, { header, payload }, ofRefresh);
      return claims;
    },

    async verifyAccess(token, now, leeway) {
      const parts = readCompact(token);
      const claims = parts && asAccessClaims(parts.payload, now, leeway);
      if (!parts || !claims) throw new Refusal('unauthenticated');
      await verify(token, parts, ofAccess);
      return claims;
    },

    readAccessHalf(token) {
      const { header, payload } = parse(token);
      refuseType(header, REFRESH_TYPE);
      const half = asAccessHalf(payload, accessHash(token));
      if (half === null) throw new Refusal('malformed_token');
      return half;
    },

    partiesOf(token) {
      const { iss, aud } = parse(token).payload;
      return { issuer: String(iss), audience: String(aud) };
    },

    accessHash,
  };
}

/** Tokens under the keys that do not sign are good until they expire: a change of algorithm logs nobody out. */
function accessRing({ accessKeys, keySet }: Options): KeyRing {
  const hmac = createHmacRing(accessKeys);
  if (keySet === undefined) return hmac;
  return keySet.signs ? eitherRing(keySet.ring, hmac) : eitherRing(hmac, keySet.ring);
}

/** What a token has to be, and how it is refused if it is not. */
interface Wanted {
  readonly typ: string;
  readonly keys: KeyRing;
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly code: 'invalid_token' | 'unauthenticated';
}

async function verify(
  token: string,
  { header, payload }: ReturnType<typeof parse>,
  { typ, keys, issuers, audiences, code }: Wanted,
): Promise<void> {
  const ours = isOurs(header, typ) && isOneOf(issuers, payload.iss) && isOneOf(audiences, payload.aud);
  const key = ours && (keys.find(header.kid) ?? (await seek(header, keys)));
  if (!key || key.alg !== header.alg || !(await key.verify(token))) throw new Refusal(code);
}

/** A key that another replica has made, and lets sign already. All others are known before they are met. */
async function seek({ alg, kid }: OurHeader, keys: KeyRing) {
  return isOneOf(KEY_ALGORITHMS, alg) ? keys.fetchUnknownKey(kid) : undefined;
}

async function sign(claims: object, typ: string, keys: KeyRing, keyId: string): Promise<string> {
  const named = keys.find(keyId);
  const { id, sign } = named?.sign ? named : keys.current();
  if (sign === null) throw new Error(`Of key ${id} only the public part is known.`);
  return sign(typ, JSON.stringify(claims));
}

function parse(token: string) {
  const parts = readCompact(token);
  if (parts === null) throw new Refusal('malformed_token');
  return parts;
}

/** One half in place of the other is not malformed: it is the wrong token. */
function refuseType(header: Header, type: string): void {
  if (header.typ === type) throw new Refusal('invalid_token');
}

interface OurHeader extends Header {
  readonly alg: string;
  readonly kid: string;
}

/** Exactly the header that is written here: nothing in it chooses a key, an algorithm or an extension. */
function isOurs(header: Header, typ: string): header is OurHeader {
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
