import { Resolver } from 'node:dns/promises';

/** Milliseconds for one question to one server, and the number of attempts. */
const LIMITS = { timeout: 2_000, tries: 2 };

/** RFC 6761 section 6.3: these names are loopback, and are not asked from a server. */
const LOCALHOST = /(?:^|\.)localhost\.?$/i;

/**
 * The addresses of a host name, IPv4 first. Asks the DNS itself. The system's `getaddrinfo` would occupy a thread of
 * the pool that password hashing and files need, for as long as a slow server likes.
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
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const [failed] = answers;
    throw new Error(`The name ${host} cannot be resolved.`, {
      cause: failed.status === 'rejected' ? failed.reason : undefined,
    });
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
