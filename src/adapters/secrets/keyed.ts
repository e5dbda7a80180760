import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';

/** Derives a key for one purpose (HKDF, RFC 5869). The label names the purpose. */
export function deriveKey(key: Uint8Array, label: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha512', key, '', label, 64)));
}

/**
 * HMAC-SHA-512 of a label and parts, each prefixed with its length. With plain concatenation, ('ab','c') and
 * ('a','bc') would be the same input. A client could then choose an `Idempotency-Key` whose stored hash
 * equals the bytes of a jti.
 */
export function keyedHash(key: KeyObject, label: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  return createHmac('sha512', key)
    .update(prefixLengths([label, ...parts]))
    .digest();
}

/**
 * Each part, prefixed with its length in bytes. Uses one buffer, because a refresh calls this several times.
 */
function prefixLengths(parts: readonly (string | Uint8Array)[]): Buffer {
  const input = Buffer.allocUnsafe(parts.reduce((size, part) => size + 4 + Buffer.byteLength(part), 0));
  let end = 0;
  for (const part of parts) {
    const length = Buffer.byteLength(part);
    const start = input.writeUInt32BE(length, end);
    end = start + length;
    if (typeof part === 'string') input.write(part, start);
    else input.set(part, start);
  }
  return input;
}

/** Compares in a time that does not depend on where the bytes differ. */
export function isEqual(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** Makes a version 4 UUID (RFC 9562) from 122 bits of a keyed hash. Without the key, the bits look random. */
export function toUuid(bytes: Buffer): string {
  const sixteen = Buffer.from(bytes.subarray(0, 16));
  sixteen[6] = (sixteen.readUInt8(6) & 0x0f) | 0x40;
  sixteen[8] = (sixteen.readUInt8(8) & 0x3f) | 0x80;
  const hex = sixteen.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
