/** No token of ours comes near it; longer text is not worth a look. */
const MAX_LENGTH = 4096;

/** Canonical base64url (RFC 4648 section 3.5): no padding, and no bits that stand for nothing. */
const SEGMENT = '(?:[\\w-]{4})*(?:[\\w-][AQgw]|[\\w-]{2}[AEIMQUYcgkosw048])?';
const COMPACT = new RegExp(`^${SEGMENT}\\.${SEGMENT}\\.${SEGMENT}$`);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What a token says of itself before anything of it is verified. */
export type Header = Readonly<Record<string, unknown>>;

/**
 * Header and payload of a compact JWS (RFC 7515 section 3.1), or null for whatever is none: another number of
 * segments, text that is not canonical base64url, JSON that is no object. Libraries let some of it through.
 */
export function readCompact(token: string): { header: Header; payload: Record<string, unknown> } | null {
  if (token.length > MAX_LENGTH || !COMPACT.test(token)) return null;
  const [first = '', second = ''] = token.split('.');
  const header = readObject(first);
  const payload = header && readObject(second);
  return header && payload && { header, payload };
}

function readObject(segment: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(utf8.decode(Buffer.from(segment, 'base64url')));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
