import type { KeyAlgorithm, KeySchedule } from '../../domain/key-set.ts';
import type { SealedKey } from '../stores/signing-keys.ts';

/** Makes a signing key and seals it together with its number and times. The `id` is its thumbprint (RFC 7638). */
export type MakeKey = (alg: KeyAlgorithm, schedule: KeySchedule) => Promise<SealedKey>;

/** Why a stored key must not be used, as the end of a sentence about the key. Null: it may be used. */
export type CheckKey = (key: SealedKey) => Promise<string | null>;
