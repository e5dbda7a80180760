import { isIPv4 } from 'node:net';

/** The host of an origin, without the brackets of an IPv6 address. Empty for an invalid origin. */
export function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname.replace(/^\[|\]$/g, '') : '';
}

/** Whether a host name or an address means this machine. An IPv6 address has no brackets. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
