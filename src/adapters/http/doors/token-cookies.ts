/**
 * How a token is kept in a browser: out of the reach of scripts and other sites, and where TLS is, of plain text.
 * What is sent is its very text, so that a cookie's value can be shown wherever the door takes the token.
 */
export function tokenCookie(path: string, publicUrl: string | null) {
  const secure = publicUrl?.startsWith('https:') === true;
  return { path, httpOnly: true, sameSite: 'strict', secure, encode: String } as const;
}
