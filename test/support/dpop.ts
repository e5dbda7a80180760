import { createHash, type KeyObject, randomUUID } from 'node:crypto';
import { asymmetric, encode, makeKeyPair, type Signer } from './forge.ts';

/** A key of a client, and proofs that it signs. */
export interface ProofKey {
  readonly jwk: Record<string, unknown>;
  /** The thumbprint of RFC 7638, computed without the code of the service. */
  readonly jkt: string;
  readonly privateKey: KeyObject;
  readonly sign: Signer;
}

export function proofKey(): ProofKey {
  const { publicKey, privateKey } = makeKeyPair('ec');
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, unknown>;
  const { crv, kty, x, y } = jwk;
  const jkt = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return { jwk, jkt, privateKey, sign: asymmetric('sha256', privateKey) };
}

interface Values {
  readonly header?: Record<string, unknown>;
  readonly payload?: Record<string, unknown>;
  readonly sign?: Signer;
}

/** A DPoP proof. `header` and `payload` replace members of a valid one; `undefined` removes a member. */
export function proofOf(
  key: ProofKey,
  method: string,
  url: string,
  now: number,
  { header = {}, payload = {}, sign = key.sign }: Values = {},
): string {
  const head = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk, ...header };
  const body = { jti: randomUUID(), htm: method, htu: url, iat: Math.floor(now / 1000), ...payload };
  const input = `${encode(head)}.${encode(body)}`;
  return `${input}.${Buffer.from(sign(input)).toString('base64url')}`;
}

export function athOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
