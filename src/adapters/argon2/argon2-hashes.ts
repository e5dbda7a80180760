import type { HashVerifier } from '../../ports/security/hash-verifier.ts';
import { verify } from './library.ts';

const ARGON2 =
  /^\$(argon2(?:id|i|d))(?:\$v=(\d+))?\$m=(\d{1,7}),t=(\d{1,4}),p=(\d{1,3})\$[A-Za-z\d+/]{11,}\$[A-Za-z\d+/]{22,}$/;

/** The maximum of ARGON2_MEMORY (KiB) and ARGON2_TIME (passes). */
const MAX = { memory: 2 ** 22, time: 64 };

/**
 * The memory of an imported hash times its passes, in KiB: the first choice of RFC 9106 section 4. A hash above it
 * takes more than a second.
 */
const MAX_IMPORTED_WORK = 2 ** 21;

/** Verifies all forms of argon2 (RFC 9106): `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. */
export const argon2Hashes = createArgon2Verifier(MAX.memory * MAX.time);

/** Verifies the argon2 hashes whose time an import measures. One hash must not take seconds or all memory. */
export const importedArgon2Hashes = createArgon2Verifier(MAX_IMPORTED_WORK);

/** @param maxWork the maximum of memory times passes, in KiB */
function createArgon2Verifier(maxWork: number): HashVerifier {
  return {
    kindOf(passwordHash) {
      const [, algorithm, version = '16', ...cost] = ARGON2.exec(passwordHash) ?? [];
      const [memory = 0, time = 0, lanes = 0] = cost.map(Number);
      const isWithinBounds = memory <= MAX.memory && time <= MAX.time && memory * time <= maxWork;
      const isUsable = isWithinBounds && memory >= 8 * lanes && time * lanes > 0;
      if (algorithm === undefined || !isUsable) return null;
      return `${algorithm}-${version}-${memory}-${time}-${lanes}`;
    },
    verify,
  };
}
