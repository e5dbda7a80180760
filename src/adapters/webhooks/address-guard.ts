import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** Global unicast. IPv6 addresses outside of it are not routed on the internet, or embed an IPv4 address. */
const GLOBAL_IPV6: Network = [ipaddr.parse('2000::'), 3];

/** Addresses in public ranges that are internal: the platform service for virtual machines in Azure. */
const PLATFORM_SERVICES = ['168.63.129.16'];

/** Decides which addresses may be connected to. */
export interface AddressGuard {
  /** Whether the operator has allowed the network of the address. */
  isAllowedPrivate(address: string): boolean;
  /** Why the address is refused; null if it may be connected to. */
  refusalOf(address: string): string | null;
}

/** @param allowedNetworks addresses and CIDRs that may be connected to although they are internal */
export function createAddressGuard(allowedNetworks: readonly string[]): AddressGuard {
  const allowed = allowedNetworks.map(parseNetwork);
  const isAllowedPrivate = (text: string) => {
    const address = parseAddress(text);
    return address !== null && allowed.some((network) => contains(network, address));
  };

  return {
    isAllowedPrivate,

    refusalOf(text) {
      const address = parseAddress(text);
      if (address === null) return `${text} is not an IP address`;
      if (isAllowedPrivate(text) || isPublic(address)) return null;
      return `${text} is not a public address (${rangeOf(address)}), and no network in WEBHOOKS_ALLOW_PRIVATE contains it`;
    },
  };
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast' || PLATFORM_SERVICES.includes(address.toString())) return false;
  return address.kind() === 'ipv4' || contains(GLOBAL_IPV6, address);
}

function rangeOf(address: Address): string {
  const range = address.range();
  return range === 'unicast' ? 'reserved' : range;
}

/** An IPv4-mapped IPv6 address counts as the IPv4 address, because the system connects to that one. */
function parseAddress(text: string): Address | null {
  return isIP(text) === 0 ? null : ipaddr.process(text);
}

function parseNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

function contains([network, bits]: Network, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}
