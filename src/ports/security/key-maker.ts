import type { KeyAlgorithm, KeyTurn } from '../../domain/key-set.ts';
import type { SealedKey } from '../stores/signing-keys.ts';

/** Makes a key for signing, sealed at once together with its number and times: the `id` is its thumbprint (RFC 7638). */
export type MakeKey = (alg: KeyAlgorithm, turn: KeyTurn) => Promise<SealedKey>;
