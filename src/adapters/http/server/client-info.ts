import type { FastifyRequest } from 'fastify';
import { byUser, type ChangeOrigin } from '../../../domain/audit.ts';
import type { ClientInfo } from '../../../domain/client-info.ts';
import { cutUserAgent, decodeUserAgent, productOf } from '../../../domain/user-agent.ts';
import { shortHash } from '../../../lib/short-hash.ts';
import { forwardedIpAddress } from './ip-address.ts';

/**
 * The IP address and the user agent of the caller. Trusted proxies report the address. The header `User-Agent` names
 * the agent.
 */
export function clientInfoOf(request: FastifyRequest): ClientInfo {
  const userAgent = decodeUserAgent(request.headers['user-agent'] ?? '');
  return {
    address: ipAddressOf(request),
    userAgent: cutUserAgent(userAgent),
    productHash: shortHash(productOf(userAgent)),
  };
}

/** The origin of a change that the user of the request makes. */
export function userOrigin(request: FastifyRequest): ChangeOrigin {
  return byUser(clientInfoOf(request));
}

/** The ending of a session whose user logs out. */
export function logoutEnding(request: FastifyRequest) {
  return { reason: 'logout', origin: userOrigin(request) } as const;
}

/**
 * The IP address of the caller. Of the addresses that trusted proxies report, it is the one that is farthest from this
 * service. An entry that is no IP address, such as `unknown`, is skipped.
 */
export function ipAddressOf({ ip, ips = [ip] }: FastifyRequest): string {
  return ips.map(forwardedIpAddress).findLast((address) => address !== null) ?? ip;
}
