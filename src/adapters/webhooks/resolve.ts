import { Resolver } from 'node:dns/promises';
import { waitAtMost } from '../../lib/time.ts';

/** Milliseconds for one question to one server, and the number of attempts. */
const LIMITS = { timeout: 2_000, tries: 2 };

/** Milliseconds that the IPv6 answer is awaited after the IPv4 addresses. Some servers never answer that question. */
const IPV6_WAIT = 500;

/** RFC 6761 section 6.3: these names are loopback, and are not asked from a server. */
const LOCALHOST = /(?:^|\.)localhost\.?$/i;

/**
 * The addresses of a host name, IPv4 first. Asks the DNS itself. The system's `getaddrinfo` would occupy a thread of
 * the pool that password hashing and files need, until a slow name server answers.
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
    const noneAfter = (reason: unknown) => {
      failures.push(reason);
      return [];
    };
    const ofIpv6 = resolver.resolve6(host).catch(noneAfter);
    const ipv4 = await resolver.resolve4(host).catch(noneAfter);
    const ipv6 = ipv4.length > 0 ? ((await waitAtMost(IPV6_WAIT, ofIpv6)) ?? []) : await ofIpv6;
    const addresses = [...ipv4, ...ipv6];
    if (addresses.length > 0) return addresses;
    throw new Error(`The name ${host} cannot be resolved.`, { cause: failures[0] });
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel(); // the question about IPv6 may still be open
  }
}
