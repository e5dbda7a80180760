import { type DpopKey, sha256, toBase64Url } from './dpop-key.js';

interface ProofValues {
  readonly method: string;
  readonly url: string;
  /** The access token of the same request. */
  readonly token: string | undefined;
  /** Milliseconds since the epoch, by the clock of the server. */
  readonly now: number;
  readonly nonce: string | undefined;
}

/** Makes a proof of possession for one request (RFC 9449 section 4.2). */
export async function makeProof(
  { privateKey, publicJwk }: DpopKey,
  { method, url, token, now, nonce }: ProofValues,
): Promise<string> {
  const { origin, pathname } = new URL(url);
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk };
  const claims = {
    jti: toBase64Url(crypto.getRandomValues(new Uint8Array(16))),
    htm: method,
    htu: origin + pathname,
    iat: Math.floor(now / 1000),
    ...(token && { ath: await sha256(token) }),
    ...(nonce && { nonce }),
  };
  const input = `${encode(header)}.${encode(claims)}`;
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(input));
  return `${input}.${toBase64Url(signature)}`;
}

function encode(value: object): string {
  return toBase64Url(new TextEncoder().encode(JSON.stringify(value)));
}
