const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * Compares two normalized URLs without query and fragment (RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3).
 */
export function isSameUrl(one: string, other: string): boolean {
  const normalized = normalizeUrl(one);
  return normalized !== null && normalized === normalizeUrl(other);
}

function normalizeUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, port, pathname, username, password } = new URL(text);
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') return null;
  // The names of this machine are equal, because a client and a server on it may use different ones.
  const host = LOOPBACK.test(hostname) ? 'localhost' : hostname;
  return `${protocol}//${host}:${port}${pathname.replace(/%[0-9a-f]{2}/gi, normalizeEscape)}`;
}

function normalizeEscape(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
}
