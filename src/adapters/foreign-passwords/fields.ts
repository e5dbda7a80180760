/** Reads base64 or base64url, padded or not. A `.` stands for `+`, as passlib writes it. Null for any other text. */
export function readBase64(text: string | undefined): Buffer | null {
  if (text === undefined || !/^[\w+/.-]+={0,2}$/.test(text)) return null;
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}

/** Reads parameters such as `ln=14,r=8,p=1`. */
export function readParameters(text: string | undefined): ReadonlyMap<string, string> {
  const pairs = (text ?? '').split(',').map((pair) => {
    const [name = '', ...value] = pair.split('=');
    return [name, value.join('=')] as const;
  });
  return new Map(pairs);
}

/** Reads a decimal number without sign from `min` to `max`. Null for any other text. */
export function readInteger(text: string | undefined, min: number, max: number): number | null {
  if (text === undefined || !/^\d{1,9}$/.test(text)) return null;
  const value = Number(text);
  return value >= min && value <= max ? value : null;
}

/** Shorter hashes collide. Longer ones cost a multiple of the time. */
const HASH_BYTES = { min: 16, max: 128 };

/** Reads a hash in base64 whose length is within `HASH_BYTES`. Null for any other text. */
export function readHash(text: string | undefined): Buffer | null {
  const hash = readBase64(text);
  return hash !== null && hash.length >= HASH_BYTES.min && hash.length <= HASH_BYTES.max ? hash : null;
}
