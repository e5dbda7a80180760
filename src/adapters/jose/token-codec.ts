import { createHash } from 'node:crypto';
import { CompactSign, type CryptoKey, compactVerify, type ProtectedHeaderParameters } from 'jose';
import { Refusal } from '../../domain/refusal.ts';
import { asAccessClaims, asAccessHalf, asRefreshClaims } from '../../domain/token-pair.ts';
import type { NamedKey } from '../../ports/security/named-key.ts';
import type { TokenCodec } from '../../ports/security/token-codec.ts';
import { readCompact } from './compact.ts';

interface Options {
  /** Newest first: the first is put into tokens, all of them are accepted. */
  readonly issuers: readonly string[];
  readonly audiences: readonly string[];
  readonly accessKeys: readonly NamedKey[];
  readonly refreshKeys: readonly NamedKey[];
}

const ALG = 'HS512';
const ACCESS_TYPE = 'at+jwt';
const REFRESH_TYPE = 'rt+jwt';

/** Tokens over jose. Keys are imported once: signing with raw bytes costs twice the CPU. */
export async function createTokenCodec(options: Options): Promise<TokenCodec> {
  const accessKeys = await importKeys(options.accessKeys);
  const refreshKeys = await importKeys(options.refreshKeys);
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
    signingKeys: { accessKeyId: accessKeys.newest.id, refreshKeyId: refreshKeys.newest.id },

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

    accessHash,
  };
}

interface KeyRing {
  readonly newest: { readonly id: string; readonly key: CryptoKey };
  readonly byId: ReadonlyMap<string, CryptoKey>;
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
  const key = isOurs(header, typ) && keys.byId.get(header.kid);
  if (!key || !isOneOf(issuers, payload.iss) || !isOneOf(audiences, payload.aud)) throw new Refusal(code);
  await compactVerify(token, key, { algorithms: [ALG] }).catch((cause) => {
    throw new Refusal(code, undefined, { cause });
  });
}

async function importKeys(keys: readonly NamedKey[]): Promise<KeyRing> {
  const hmac = { name: 'HMAC', hash: 'SHA-512' };
  const imported = await Promise.all(
    keys.map(async ({ id, bytes }) => ({
      id,
      key: await crypto.subtle.importKey('raw', bytes, hmac, false, ['sign', 'verify']),
    })),
  );
  const [newest] = imported;
  if (newest === undefined) throw new Error('At least one signing key is needed.');
  return { newest, byId: new Map(imported.map(({ id, key }) => [id, key])) };
}

function sign(claims: object, typ: string, ring: KeyRing, keyId: string): Promise<string> {
  const key = ring.byId.get(keyId);
  const signer = key === undefined ? ring.newest : { id: keyId, key };
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: ALG, typ, kid: signer.id })
    .sign(signer.key);
}

function parse(token: string) {
  const parts = readCompact(token);
  if (parts === null) throw new Refusal('malformed_token');
  return parts;
}

/** One half in place of the other is not malformed: it is the wrong token. */
function refuseType(header: ProtectedHeaderParameters, type: string): void {
  if (header.typ === type) throw new Refusal('invalid_token');
}

/** Exactly the header that is written here: nothing in it chooses a key, an algorithm or an extension. */
function isOurs(
  header: ProtectedHeaderParameters,
  typ: string,
): header is { alg: string; typ: string; kid: string } {
  return (
    Object.keys(header).length === 3 &&
    header.alg === ALG &&
    header.typ === typ &&
    typeof header.kid === 'string'
  );
}

function isOneOf(accepted: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && accepted.includes(value);
}

function accessHash(token: string): string {
  return createHash('sha512').update(token).digest().subarray(0, 32).toString('base64url');
}
