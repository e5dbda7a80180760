import { isUtf8 } from 'node:buffer';

/** No token of ours comes near it; longer text is not worth a look. */
const MAX_LENGTH = 4096;

/** What a token says of itself before anything of it is verified. */
export type Header = Readonly<Record<string, unknown>>;

/**
 * Header and payload of a compact JWS (RFC 7515 section 3.1), or null for whatever is none: another number of
 * segments, text that is not canonical base64url, JSON that is no object. Libraries let some of it through.
 */
export function readCompact(token: string): { header: Header; payload: Record<string, unknown> } | null {
  if (token.length > MAX_LENGTH) return null;
  const [first = '', second = '', third, more] = token.split('.', 4);
  if (third === undefined || more !== undefined || decoded(third) === null) return null;
  const header = readObject(first);
  const payload = header && readObject(second);
  return header && payload && { header, payload };
}

function readObject(segment: string): Record<string, unknown> | null {
  const bytes = decoded(segment);
  if (bytes === null || !isUtf8(bytes)) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/**
 * Null for what is not canonical base64url (RFC 4648 section 3.5): with padding, with characters of another alphabet,
 * or with bits that stand for nothing, it would be encoded otherwise.
 */
function decoded(segment: string): Buffer | null {
  const bytes = Buffer.from(segment, 'base64url');
  return bytes.toString('base64url') === segment ? bytes : null;
}
