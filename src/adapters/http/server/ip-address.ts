import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * The canonical form of an IP address. IPv6 is written as in RFC 5952, without its zone. An IPv4-mapped address is
 * written as IPv4 (RFC 4291 section 2.5.5.2). Null: the text is not an IP address.
 */
export function canonicalIpAddress(text: string): string | null {
  // The library also parses shorthands such as `1` and `0x7f.1`, so the strict check comes first. For that check, IPv4
  // has only one spelling.
  const version = isIP(text);
  if (version === 0) return null;
  if (version === 4) return text;
  const [address = ''] = text.split('%');
  return ipaddr.process(address).toString();
}

const IPV4_WITH_PORT = /^([\d.]+):\d{1,5}$/;
const BRACKETED_IPV6 = /^\[([^\]]*:[^\]]*)\](?::\d{1,5})?$/;

/**
 * The canonical address of an entry of X-Forwarded-For. Some proxies append the client's port to its address, and put
 * an IPv6 address in brackets. Null: the entry is not an address.
 */
export function forwardedIpAddress(entry: string): string | null {
  const [, address = entry] = IPV4_WITH_PORT.exec(entry) ?? BRACKETED_IPV6.exec(entry) ?? [];
  return canonicalIpAddress(address);
}
