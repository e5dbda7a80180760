import { createHmac } from 'node:crypto';

/** Makes a signature over the first two segments of a token. */
export type Signer = (input: string) => Uint8Array;

export const unsigned: Signer = () => new Uint8Array();

export const hmac =
  (key: Uint8Array | string, hash = 'sha512'): Signer =>
  (input) =>
    createHmac(hash, key).update(input).digest();

/** Text, bytes, or a value as JSON, in base64url. */
export function encode(value: string | object): string {
  const isBytes = typeof value === 'string' || value instanceof Uint8Array;
  return Buffer.from(isBytes ? value : JSON.stringify(value)).toString('base64url');
}

/** A compact JWS of any header and payload; text is taken as it is, whether JSON or not. */
export function compact(header: string | object, payload: string | object, sign: Signer): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${encode(sign(input))}`;
}

export interface Changes {
  /** Members to replace; `undefined` leaves one out. */
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  /** The last word on the payload's text, for what JSON.stringify does not write. */
  readonly text?: (json: string) => string;
}

/** A token made anew: some members replaced, signed by `sign`. */
export function remade(token: string, changes: Changes, sign: Signer): string {
  const header = { ...headerOf(token), ...changes.header };
  const json = JSON.stringify({ ...payloadOf(token), ...changes.claims });
  return compact(header, changes.text?.(json) ?? json, sign);
}

/** The token with another signature. */
export function resigned(token: string, sign: Signer): string {
  return remade(token, {}, sign);
}

export function headerOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
}

function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}
