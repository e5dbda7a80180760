import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * The one spelling of an address in this service: IPv6 as in RFC 5952 and without its zone, an IPv4-mapped address
 * as IPv4 (RFC 4291 section 2.5.5.2). Null: the text is no address.
 */
export function canonicalAddress(text: string): string | null {
  // The library also parses shorthands such as `1` and `0x7f.1`, so the strict check comes first.
  if (isIP(text) === 0) return null;
  const [address = ''] = text.split('%');
  return ipaddr.process(address).toString();
}

const IPV4_WITH_PORT = /^([\d.]+):\d{1,5}$/;
const BRACKETED_IPV6 = /^\[([^\]]*:[^\]]*)\](?::\d{1,5})?$/;

/**
 * The canonical address of an entry of X-Forwarded-For. Some proxies write the port of the client beside its
 * address, and an IPv6 address in brackets. Null: the entry is no address.
 */
export function forwardedAddress(entry: string): string | null {
  const [, address = entry] = IPV4_WITH_PORT.exec(entry) ?? BRACKETED_IPV6.exec(entry) ?? [];
  return canonicalAddress(address);
}
