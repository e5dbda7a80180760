/**
 * The milliseconds that `Retry-After` asks to wait: a number of seconds, or a date (RFC 9110 section 10.2.3). Null
 * without the header or for an invalid one.
 */
export function retryAfterOf(header: string | null, now: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
