import type { KeyAlgorithm } from '../../domain/key-set.ts';

/** The published public part of a key that signs access tokens, as a JSON Web Key (RFC 7517). */
export interface PublicKey {
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: KeyAlgorithm;
  readonly kty: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
}
