import type { FastifyRequest } from 'fastify';
import type { Client } from '../../../domain/events.ts';
import { decodedUserAgent } from '../../../domain/user-agent.ts';
import { forwardedAddress } from './address.ts';

/** Longer ones are cut: a row keeps room for what a person can recognise. */
const USER_AGENT_LENGTH = 300;

/** Who is asking: the address as far as trusted proxies vouch for it, and the agent as it names itself. */
export function clientOf(request: FastifyRequest): Client {
  return {
    address: addressOf(request),
    userAgent: cut(decodedUserAgent(request.headers['user-agent'] ?? '')),
  };
}

/** Half a surrogate pair at the cut is dropped: a database cannot keep it. */
function cut(userAgent: string): string {
  return userAgent.slice(0, USER_AGENT_LENGTH).replace(/[\ud800-\udbff]$/, '');
}

/** The furthest address that is one: a trusted proxy may pass on `unknown`, or whatever its client wrote. */
function addressOf({ ip, ips = [ip] }: FastifyRequest): string {
  for (const entry of ips.toReversed()) {
    const address = forwardedAddress(entry);
    if (address !== null) return address;
  }
  return '';
}
