const LOOPBACK = 'loopback';

/**
 * The network of an IP address: the IPv4 address itself, or the /64 of an IPv6 address. One household or phone gets a
 * /64 (RFC 6177, RFC 8981). All loopback addresses are one network: a local client may use both `::1` and `127.0.0.1`.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address.startsWith('127.') ? LOOPBACK : address;
  const groups = ipv6Groups(address);
  if (groups.join(':') === '0:0:0:0:0:0:0:1') return LOOPBACK;
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** Whether both addresses belong to the same network (see {@link networkOf}). */
export function inSameNetwork(one: string, other: string): boolean {
  return networkOf(one) === networkOf(other);
}

function ipv6Groups(address: string): string[] {
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const left = groupsOf(head);
  if (tail === undefined) return left;
  const right = groupsOf(tail);
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right];
}

function groupsOf(text: string): string[] {
  return text
    .split(':')
    .filter((group) => group !== '')
    .flatMap((group) => (group.includes('.') ? ['0', '0'] : [group.replace(/^0+(?=.)/, '')]));
}
