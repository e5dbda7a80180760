import { isIPv4 } from 'node:net';

/** The host of an origin, without the brackets of an IPv6 address. Empty for an invalid origin, which is refused. */
export function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname.replace(/^\[|\]$/g, '') : '';
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
