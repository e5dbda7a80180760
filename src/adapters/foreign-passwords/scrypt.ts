import { scrypt as derive, type ScryptOptions, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { HashVerifier } from '../../ports/security/hash-verifier.ts';
import { readBase64, readHash, readInteger, readParameters } from './fields.ts';

export const deriveKey = promisify<string, Buffer, number, ScryptOptions, Buffer>(derive);

/** Bounds the memory to 256 MiB and the time to a few seconds. */
const MAX = { blocks: 2 ** 21, work: 2 ** 22 };

/** The cost of scrypt (RFC 7914). `ln` is the binary logarithm of N. */
export interface ScryptCost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** Reads `ln=14,r=8,p=1`. Null if a parameter is missing or out of bounds. */
export function readScryptCost(parameters: ReadonlyMap<string, string>): ScryptCost | null {
  const ln = readInteger(parameters.get('ln'), 1, 21);
  const r = readInteger(parameters.get('r'), 1, 64);
  const p = readInteger(parameters.get('p'), 1, 64);
  if (ln === null || r === null || p === null) return null;
  if (ln >= 16 * r) return null; // RFC 7914, section 6: N < 2^(128 * r / 8)
  const blocks = 2 ** ln * r;
  return blocks <= MAX.blocks && blocks * p <= MAX.work ? { ln, r, p } : null;
}

/** The options for node:crypto. `maxmem` includes the memory that scrypt needs in addition to the blocks. */
export function optionsOf({ ln, r, p }: ScryptCost): ScryptOptions {
  return { N: 2 ** ln, r, p, maxmem: 128 * r * (2 ** ln + p + 2) };
}

/** Verifies scrypt as `$scrypt$ln=14,r=8,p=1$salt$hash`. */
export const scrypt: HashVerifier = {
  kindOf(passwordHash) {
    const read = readScrypt(passwordHash);
    return read && `scrypt-${read.cost.ln}-${read.cost.r}-${read.cost.p}`;
  },

  async verify(passwordHash, password) {
    const read = readScrypt(passwordHash);
    if (read === null) return false;
    const { salt, hash, cost } = read;
    return timingSafeEqual(await deriveKey(password, salt, hash.length, optionsOf(cost)), hash);
  },
};

function readScrypt(text: string) {
  const parts = text.split('$');
  const [first, algorithm, parameters, encodedSalt, encodedHash] = parts;
  if (first !== '' || algorithm !== 'scrypt' || parts.length !== 5) return null;
  const cost = readScryptCost(readParameters(parameters));
  const salt = readBase64(encodedSalt);
  const hash = readHash(encodedHash);
  return cost === null || salt === null || hash === null ? null : { cost, salt, hash };
}
