import { createHmac } from 'node:crypto';

/**
 * HMAC-SHA-512 under a label and length-prefixed parts. With plain concatenation ('ab','c') and ('a','bc') were
 * one input, and a client could choose an `Idempotency-Key` whose stored hash is the material of a jti.
 */
export function keyed(key: Uint8Array, label: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const mac = createHmac('sha512', key);
  for (const part of [label, ...parts]) {
    const bytes = Buffer.from(part);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    mac.update(length).update(bytes);
  }
  return mac.digest();
}

/** The first 122 free bits as a version 4 UUID (RFC 9562): without the key they are as good as random. */
export function asUuid(bytes: Buffer): string {
  const sixteen = Buffer.from(bytes.subarray(0, 16));
  sixteen[6] = (sixteen.readUInt8(6) & 0x0f) | 0x40;
  sixteen[8] = (sixteen.readUInt8(8) & 0x3f) | 0x80;
  return sixteen.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
