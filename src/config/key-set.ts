import { resolve } from 'node:path';
import { KEY_ALGORITHMS, type KeyAlgorithm } from '../domain/key-set.ts';
import type { NamedKey } from '../ports/security/named-key.ts';
import type { Variables } from './environment.ts';
import type { Readers } from './values.ts';

export interface KeySetConfig {
  /** Null: access tokens are signed by HMAC, and keys of a set only check those that are left. */
  readonly alg: KeyAlgorithm | null;
  /** Absolute path of a JWK Set; null: the keys are in the database. */
  readonly file: string | null;
  /** What keys in the database are sealed under, newest first. */
  readonly encryptionKeys: readonly NamedKey[];
  /** How long verifiers may keep the set; milliseconds, as is the other. */
  readonly maxAge: number;
  /** Null: by hand alone. */
  readonly rotateAfter: number | null;
}

export function readKeySet(
  variables: Variables,
  cwd: string,
  read: Readers,
): Omit<KeySetConfig, 'encryptionKeys'> {
  const { ACCESS_TOKEN_ALG, KEY_SET_FILE, KEY_SET_MAX_AGE, KEY_SET_ROTATE_AFTER } = variables;
  const alg = read.choice('ACCESS_TOKEN_ALG', ACCESS_TOKEN_ALG, ['HS512', ...KEY_ALGORITHMS]);
  const byHand = /^(off|0[smhd]?)$/.test(KEY_SET_ROTATE_AFTER);
  return {
    alg: alg === 'HS512' ? null : alg,
    file: KEY_SET_FILE === '' ? null : resolve(cwd, KEY_SET_FILE),
    maxAge: read.duration('KEY_SET_MAX_AGE', KEY_SET_MAX_AGE, 1_000),
    rotateAfter: byHand ? null : read.duration('KEY_SET_ROTATE_AFTER', KEY_SET_ROTATE_AFTER, 1_000),
  };
}

/** Whether keys are made here and sealed, so that there must be a key to seal them under. */
export function sealsKeys({ alg, file }: Pick<KeySetConfig, 'alg' | 'file'>): boolean {
  return alg !== null && file === null;
}
