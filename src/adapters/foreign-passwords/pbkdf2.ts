import { pbkdf2 as derive, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { HashVerifier } from '../../ports/security/hash-verifier.ts';
import { readBase64, readHash, readInteger, readParameters } from './fields.ts';

const deriveKey = promisify(derive);

/** Bounds the time of one hash. A hash longer than the digest consists of several parts, each with all iterations. */
const MAX_ITERATIONS = 5_000_000;

interface Pbkdf2Hash {
  readonly digest: string;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const DIGEST_BYTES: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 };

const DIGESTS: Readonly<Record<string, string>> = {
  pbkdf2: 'sha1',
  'pbkdf2-sha1': 'sha1',
  'pbkdf2-sha256': 'sha256',
  'pbkdf2-sha512': 'sha512',
};

/**
 * Verifies PBKDF2 (RFC 8018). One form is Django's `pbkdf2_sha256$iterations$salt$hash`. The other form is
 * `$pbkdf2-sha256$i=iterations$salt$hash`, with sha1, sha256 or sha512. passlib writes it without `i=`.
 */
export const pbkdf2: HashVerifier = {
  kindOf(passwordHash) {
    const read = readPbkdf2(passwordHash);
    return read && `pbkdf2-${read.digest}-${read.iterations}-${read.hash.length}`;
  },

  async verify(passwordHash, password) {
    const read = readPbkdf2(passwordHash);
    if (read === null) return false;
    const { salt, iterations, hash, digest } = read;
    return timingSafeEqual(await deriveKey(password, salt, iterations, hash.length, digest), hash);
  },
};

function readPbkdf2(text: string): Pbkdf2Hash | null {
  const read = parsePbkdf2(text);
  if (read === null) return null;
  const { digest, iterations, hash } = read;
  const parts = Math.ceil(hash.length / (DIGEST_BYTES[digest] ?? 1));
  return iterations * parts <= MAX_ITERATIONS ? read : null;
}

function parsePbkdf2(text: string): Pbkdf2Hash | null {
  const parts = text.split('$');
  const [first, algorithm = '', cost = '', salt, hash] = parts;
  if (first === 'pbkdf2_sha256' && parts.length === 4) return readDjango(parts);
  const digest = Object.hasOwn(DIGESTS, algorithm) ? DIGESTS[algorithm] : undefined;
  if (first !== '' || digest === undefined || parts.length !== 5) return null;
  const iterations = readIterations(readParameters(cost).get('i') ?? cost);
  const bytes = { salt: readBase64(salt), hash: readHash(hash) };
  if (iterations === null || bytes.salt === null || bytes.hash === null) return null;
  return { digest, iterations, salt: bytes.salt, hash: bytes.hash };
}

/** Django's salt is text and not base64. */
function readDjango([, cost, salt = '', hash]: readonly string[]): Pbkdf2Hash | null {
  const iterations = readIterations(cost);
  const bytes = readHash(hash);
  if (iterations === null || bytes === null || salt === '') return null;
  return { digest: 'sha256', iterations, salt: Buffer.from(salt), hash: bytes };
}

function readIterations(text: string | undefined): number | null {
  return readInteger(text, 1, MAX_ITERATIONS);
}
