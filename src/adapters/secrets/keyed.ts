import { createHmac, type KeyObject } from 'node:crypto';

/**
 * HMAC-SHA-512 under a label and length-prefixed parts. With plain concatenation ('ab','c') and ('a','bc') were
 * one input, and a client could choose an `Idempotency-Key` whose stored hash is the material of a jti.
 */
export function keyed(key: KeyObject, label: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  return createHmac('sha512', key)
    .update(framed([label, ...parts]))
    .digest();
}

/** Each part behind its length in bytes, in one buffer: a refresh asks for this a dozen times. */
function framed(parts: readonly (string | Uint8Array)[]): Buffer {
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

/** The first 122 free bits as a version 4 UUID (RFC 9562): without the key they are as good as random. */
export function asUuid(bytes: Buffer): string {
  const sixteen = Buffer.from(bytes.subarray(0, 16));
  sixteen[6] = (sixteen.readUInt8(6) & 0x0f) | 0x40;
  sixteen[8] = (sixteen.readUInt8(8) & 0x3f) | 0x80;
  const hex = sixteen.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
