import { isUtf8 } from 'node:buffer';

/** Maximum characters of a token. All tokens of this service are shorter. Longer text is refused without parsing. */
const MAX_LENGTH = 4096;

/** The header of a token that is not verified yet. */
export type Header = Readonly<Record<string, unknown>>;

/**
 * Parses header and payload of a compact JWS (RFC 7515 section 3.1). Null if the text is too long, or does not have
 * three segments. Also null if a segment is not canonical base64url, or if the header or the payload is not a JSON
 * object. Some libraries accept such text.
 */
export function readCompact(token: string): { header: Header; payload: Record<string, unknown> } | null {
  if (token.length > MAX_LENGTH) return null;
  const [first = '', second = '', third, more] = token.split('.', 4);
  if (third === undefined || more !== undefined || decodeSegment(third) === null) return null;
  const header = readObject(first);
  const payload = header && readObject(second);
  return header && payload && { header, payload };
}

function readObject(segment: string): Record<string, unknown> | null {
  const bytes = decodeSegment(segment);
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
 * Decodes canonical base64url (RFC 4648 section 3.5). Null for any other text, such as one with padding, with foreign
 * characters or with unused bits that are set. Such a text differs after it was decoded and encoded again.
 */
export function decodeSegment(segment: string): Buffer | null {
  const bytes = Buffer.from(segment, 'base64url');
  return bytes.toString('base64url') === segment ? bytes : null;
}
