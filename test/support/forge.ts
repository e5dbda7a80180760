import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** Makes a signature over the first two segments of a token. */
export type Signer = (input: string) => Uint8Array;

export const unsigned: Signer = () => new Uint8Array();

export const hmac =
  (key: Uint8Array | string, hash = 'sha512'): Signer =>
  (input) =>
    createHmac(hash, key).update(input).digest();

export const asymmetric = (
  hash: string | null,
  key: KeyObject,
  dsaEncoding: 'der' | 'ieee-p1363' = 'ieee-p1363',
): Signer => {
  return (input) => sign(hash, Buffer.from(input), { key, dsaEncoding });
};

/** Uses the given bytes as the signature. */
export const signature =
  (bytes: Uint8Array): Signer =>
  () =>
    bytes;

/** A new key pair of this type. */
export function makeKeyPair(type: 'rsa' | 'ec' | 'ed25519') {
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (type === 'ec') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('ed25519');
}

/**
 * The bytes of a public key in each encoding. A careless verifier uses one of them as the secret of HS256 (algorithm
 * confusion).
 */
export function keyEncodings(publicKey: KeyObject) {
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }));
  return {
    PEM: pem,
    'PEM after white space': ` \n${pem}`,
    'PEM without its last line feed': pem.trimEnd(),
    DER: publicKey.export({ type: 'spki', format: 'der' }),
    JWK: jwk,
    'JWK after white space': `\t${jwk}`,
  };
}

/** Text, bytes, or a value as JSON, in base64url. */
export function encode(value: string | object): string {
  const isBytes = typeof value === 'string' || value instanceof Uint8Array;
  return Buffer.from(isBytes ? value : JSON.stringify(value)).toString('base64url');
}

/** A compact JWS of any header and payload. Text is used unchanged, whether it is JSON or not. */
export function compact(header: string | object, payload: string | object, sign: Signer): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${encode(sign(input))}`;
}

export interface Changes {
  /** Members to replace; `undefined` leaves one out. */
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  /** Edits the text of the payload: for repeated members and other JSON that JSON.stringify cannot produce. */
  readonly text?: (json: string) => string;
}

/** A copy of the token with some members replaced, signed by `sign`. */
export function modifyToken(token: string, changes: Changes, sign: Signer): string {
  const header = { ...headerOf(token), ...changes.header };
  const json = JSON.stringify({ ...claimsOf(token), ...changes.claims });
  return compact(header, changes.text?.(json) ?? json, sign);
}

/** The token with another signature. */
export function resignToken(token: string, sign: Signer): string {
  return modifyToken(token, {}, sign);
}

/** The header of a token, unverified. */
export function headerOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
}

/** The payload of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** One copy of the token for each character, with one bit of that character flipped (the bit `position % 6`). */
export function* flipBits(token: string): Generator<string> {
  for (const [at, character] of [...token].entries()) {
    const value = ALPHABET.indexOf(character);
    if (value >= 0) yield token.slice(0, at) + ALPHABET[value ^ (1 << (at % 6))] + token.slice(at + 1);
  }
}
