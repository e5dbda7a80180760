import type { KeyAlgorithm } from '../../domain/key-set.ts';
import type { SealedKey } from '../stores/signing-keys.ts';

/** Makes a key for signing, sealed at once: the `id` is its thumbprint (RFC 7638). */
export type MakeKey = (alg: KeyAlgorithm) => Promise<Pick<SealedKey, 'id' | 'alg' | 'sealed'>>;
