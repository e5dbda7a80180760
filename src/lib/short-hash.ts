import { createHash } from 'node:crypto';

/**
 * 128 bits of SHA-256, base64url: a key of bounded length for a text of any length. No two texts are known to have the
 * same key. The key protects no secret.
 */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');
}
