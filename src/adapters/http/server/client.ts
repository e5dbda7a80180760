import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Client } from '../../../domain/events.ts';
import { cutUserAgent, decodedUserAgent, productOf } from '../../../domain/user-agent.ts';
import { forwardedAddress } from './address.ts';

/** Who is asking: the address as far as trusted proxies vouch for it, and the agent as it names itself. */
export function clientOf(request: FastifyRequest): Client {
  const userAgent = decodedUserAgent(request.headers['user-agent'] ?? '');
  return {
    address: addressOf(request),
    userAgent: cutUserAgent(userAgent),
    productHash: hashProduct(productOf(userAgent)),
  };
}

/** 16 bytes tell products apart; the hash is no secret and protects none. */
function hashProduct(product: string): string {
  return createHash('sha256').update(product).digest().subarray(0, 16).toString('base64url');
}

/** The furthest address that is one: a trusted proxy may pass on `unknown`, or whatever its client wrote. */
function addressOf({ ip, ips = [ip] }: FastifyRequest): string {
  for (const entry of ips.toReversed()) {
    const address = forwardedAddress(entry);
    if (address !== null) return address;
  }
  return '';
}
