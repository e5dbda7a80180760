import { decodeProtectedHeader } from 'jose';

/** No token of ours comes near it; longer text is not worth a look. */
const MAX_LENGTH = 4096;

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Header and payload of a compact JWS (RFC 7515 section 3.1), or null for whatever is none: another number of
 * segments, text that is not canonical base64url, JSON that is no object. jose by itself lets some of it through.
 */
export function readCompact(token: string) {
  if (token.length > MAX_LENGTH || !COMPACT.test(token)) return null;
  const segments = token.split('.');
  if (!segments.every(isCanonical)) return null;
  try {
    const header = decodeProtectedHeader(token);
    const payload: unknown = JSON.parse(utf8.decode(Buffer.from(segments[1] ?? '', 'base64url')));
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return null;
    return { header, payload: payload as Record<string, unknown> };
  } catch {
    return null;
  }
}

function isCanonical(segment: string): boolean {
  return Buffer.from(segment, 'base64url').toString('base64url') === segment;
}
