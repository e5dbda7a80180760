import { resolve } from 'node:path';
import { KEY_ALGORITHMS, type KeyAlgorithm } from '../domain/key-set.ts';
import type { NamedKey } from '../ports/security/named-key.ts';
import type { Variables } from './environment.ts';
import type { Readers } from './values.ts';

export interface KeySetConfig {
  /** Null: HMAC keys sign access tokens. The key set only verifies tokens that it signed earlier. */
  readonly alg: KeyAlgorithm | null;
  /** Absolute path of a JWK Set; null: the keys are in the database. */
  readonly file: string | null;
  /** The keys that seal the keys in the database, newest first. */
  readonly encryptionKeys: readonly NamedKey[];
  /** Milliseconds for which verifiers may cache the set. */
  readonly maxAge: number;
  /** Milliseconds. Null: only operators rotate the keys. */
  readonly rotateAfter: number | null;
}

export function readKeySet(
  variables: Variables,
  cwd: string,
  read: Readers,
): Omit<KeySetConfig, 'encryptionKeys'> {
  const { ACCESS_TOKEN_ALG, KEY_SET_FILE, KEY_SET_MAX_AGE, KEY_SET_ROTATE_AFTER } = variables;
  const alg = read.choice('ACCESS_TOKEN_ALG', ACCESS_TOKEN_ALG, ['HS512', ...KEY_ALGORITHMS]);
  const isManual = /^(off|0[smhd]?)$/.test(KEY_SET_ROTATE_AFTER);
  return {
    alg: alg === 'HS512' ? null : alg,
    file: KEY_SET_FILE === '' ? null : resolve(cwd, KEY_SET_FILE),
    maxAge: read.duration('KEY_SET_MAX_AGE', KEY_SET_MAX_AGE, 1_000),
    rotateAfter: isManual ? null : read.duration('KEY_SET_ROTATE_AFTER', KEY_SET_ROTATE_AFTER, 1_000),
  };
}

/** Whether this service makes and seals signing keys, so that an encryption key is required. */
export function sealsKeys({ alg, file }: Pick<KeySetConfig, 'alg' | 'file'>): boolean {
  return alg !== null && file === null;
}
