/**
 * Attributes of a cookie that holds a token: hidden from scripts and not sent across sites. With an https `publicUrl`
 * it is also restricted to TLS. The value is the token itself, so it can be presented wherever the door accepts a
 * token.
 */
export function tokenCookie(path: string, publicUrl: string | null) {
  const secure = publicUrl?.startsWith('https:') === true;
  return { path, httpOnly: true, sameSite: 'strict', secure, encode: String } as const;
}
