import { isIP } from 'node:net';
import type { AddressGuard } from './address-guard.ts';

/** The destination of a request, read from its URL. The host is a name or an IP address, without brackets. */
export interface Target {
  readonly url: URL;
  readonly host: string;
  readonly isSecure: boolean;
  readonly port: number;
}

/** Ports from 1024 on that browsers refuse as well, because other protocols use them (Fetch standard, "bad port"). */
const BAD_PORTS = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
  10080,
]);

/**
 * Reads a URL. Returns the reason as text if webhooks must not go to this URL. The URL parser normalizes decimal, octal
 * and hexadecimal spellings of an IP address. So the check sees the address that the connection will use.
 */
export function readTarget(text: string, guard: AddressGuard, allowsPrivate: boolean): Target | string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || !/^https?:\/\//i.test(text))
    return 'it is not an https URL';
  if (url.username !== '' || url.password !== '') return 'it contains a user name or a password';
  if (url.hash !== '') return 'it contains a fragment';
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (isSecure ? 443 : 80));
  if (isBadPort(port)) return `port ${port} belongs to a protocol other than HTTP`;
  const refusal = isIP(host) === 0 ? refusalOfName(host) : guard.refusalOf(host);
  if (refusal !== null) return refusal;
  const mayBePlain = isIP(host) === 0 ? allowsPrivate : guard.isAllowedPrivate(host);
  if (!isSecure && !mayBePlain) return PLAIN_REFUSED;
  return { url, host, isSecure, port };
}

/** The reason for which a URL or an address without TLS is refused. */
export const PLAIN_REFUSED = 'http is accepted only for a network in WEBHOOKS_ALLOW_PRIVATE';

function isBadPort(port: number): boolean {
  return (port < 1024 && port !== 80 && port !== 443) || BAD_PORTS.has(port);
}

function refusalOfName(host: string): string | null {
  return host === '' ? 'it has no host' : null;
}
