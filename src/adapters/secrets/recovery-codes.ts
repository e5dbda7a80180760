import { createHash, randomBytes } from 'node:crypto';
import type { RecoveryCodes } from '../../ports/security/recovery-codes.ts';

/**
 * The alphabet of Crockford's base 32. It has no letters that look like digits or like each other. 256 is a multiple of
 * 32, so all letters are equally probable.
 */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LOOK_ALIKE: Readonly<Record<string, string>> = { O: '0', I: '1', L: '1' };

/** 24 letters are 120 bits. From 112 bits on, a fast hash is enough (NIST SP 800-63B section 5.1.2.2). */
const LENGTH = 24;
const GROUP = 6;

/** Creates the maker and the hash function of recovery codes. */
export function createRecoveryCodes(): RecoveryCodes {
  return {
    make: (count) => Array.from({ length: count }, makeCode),

    hash: (userId, code) =>
      createHash('sha256')
        .update(`recovery code\0${userId}\0${normalizeCode(code)}`)
        .digest('base64url'),
  };
}

function makeCode(): string {
  const letters = [...randomBytes(LENGTH)].map((byte) => LETTERS[byte % LETTERS.length]).join('');
  return (letters.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-');
}

function normalizeCode(code: string): string {
  return code
    .toUpperCase()
    .replace(/[\s-]/g, '')
    .replace(/[OIL]/g, (letter) => LOOK_ALIKE[letter] ?? letter);
}
