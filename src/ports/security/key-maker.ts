import type { KeyAlgorithm, KeySchedule } from '../../domain/key-set.ts';
import type { SealedKey } from '../stores/signing-keys.ts';

/** Makes a signing key and seals it together with its number and times. The `id` is its thumbprint (RFC 7638). */
export type MakeKey = (alg: KeyAlgorithm, schedule: KeySchedule) => Promise<SealedKey>;

/** Why a stored key must not be used. */
export interface KeyFault {
  /** The end of a sentence that begins with the id of the key. */
  readonly reason: string;
  /** Whether no key in `KEY_SET_ENCRYPTION_KEY` opens it. Then the key may be good, and other replicas may use it. */
  readonly isSealedElsewhere: boolean;
}

/** Checks a stored key. Null: it may be used. */
export type CheckKey = (key: SealedKey) => Promise<KeyFault | null>;
