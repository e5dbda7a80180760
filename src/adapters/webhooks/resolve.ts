import { Resolver } from 'node:dns/promises';
import { waitAtMost } from '../../lib/time.ts';

/** Milliseconds for one query to one server, and the number of attempts. */
const LIMITS = { timeout: 2_000, tries: 2 };

/**
 * Milliseconds to wait for the IPv6 answer after the IPv4 addresses have arrived. Some servers never answer IPv6
 * queries.
 */
const IPV6_WAIT = 500;

/** These names are loopback, so no server is queried (RFC 6761 section 6.3). */
const LOCALHOST = /(?:^|\.)localhost\.?$/i;

/**
 * Returns the addresses of a host name, IPv4 first. Queries DNS directly, because `getaddrinfo` of the system waits for
 * a slow name server on a thread of the pool. Password hashing and file access need that pool.
 */
export async function resolveHost(
  host: string,
  signal: AbortSignal,
  servers: readonly string[] | null,
): Promise<readonly string[]> {
  if (LOCALHOST.test(host)) return ['127.0.0.1', '::1'];
  const resolver = new Resolver(LIMITS);
  if (servers !== null) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const failures: unknown[] = [];
    const recordFailure = (reason: unknown) => {
      failures.push(reason);
      return [];
    };
    const ofIpv6 = resolver.resolve6(host).catch(recordFailure);
    const ipv4 = await resolver.resolve4(host).catch(recordFailure);
    const ipv6 = ipv4.length > 0 ? ((await waitAtMost(IPV6_WAIT, ofIpv6)) ?? []) : await ofIpv6;
    const addresses = [...ipv4, ...ipv6];
    if (addresses.length > 0) return addresses;
    throw new Error(`The name ${host} cannot be resolved.`, { cause: failures[0] });
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel(); // the IPv6 query may still be open
  }
}
