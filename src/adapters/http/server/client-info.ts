import type { FastifyRequest } from 'fastify';
import { byUser, type Origin } from '../../../domain/audit.ts';
import type { ClientInfo } from '../../../domain/client-info.ts';
import { cutUserAgent, decodedUserAgent, productOf } from '../../../domain/user-agent.ts';
import { shortHash } from '../../../lib/short-hash.ts';
import { forwardedIpAddress } from './ip-address.ts';

/**
 * The address and the user agent of the caller. Trusted proxies report the address. The header `User-Agent`
 * names the agent.
 */
export function clientInfoOf(request: FastifyRequest): ClientInfo {
  const userAgent = decodedUserAgent(request.headers['user-agent'] ?? '');
  return {
    address: ipAddressOf(request),
    userAgent: cutUserAgent(userAgent),
    productHash: shortHash(productOf(userAgent)),
  };
}

/** The origin of a change that the user of the request makes. */
export function userOrigin(request: FastifyRequest): Origin {
  return byUser(clientInfoOf(request));
}

/** The user of the request ends a session. */
export function logOutBy(request: FastifyRequest) {
  return { reason: 'logout', origin: userOrigin(request) } as const;
}

/**
 * The address of the caller: the valid one farthest from this service. A trusted proxy may pass on `unknown`, or text
 * of its client.
 */
export function ipAddressOf({ ip, ips = [ip] }: FastifyRequest): string {
  for (const entry of ips.toReversed()) {
    const address = forwardedIpAddress(entry);
    if (address !== null) return address;
  }
  return '';
}
