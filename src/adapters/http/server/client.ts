import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Client } from '../../../domain/events.ts';

/** Longer ones are cut: a row keeps room for what a person can recognise. */
const USER_AGENT_LENGTH = 300;

/** Who is asking: the address as far as trusted proxies vouch for it, and the agent as it names itself. */
export function clientOf(request: FastifyRequest): Client {
  return {
    address: plainAddress(addressOf(request)),
    userAgent: (request.headers['user-agent'] ?? '').slice(0, USER_AGENT_LENGTH),
  };
}

/** The furthest address that is one: a trusted proxy may pass on `unknown`, or whatever its client wrote. */
function addressOf({ ip, ips = [ip] }: FastifyRequest): string {
  return ips.findLast((address) => isIP(address) !== 0) ?? '';
}

/** An IPv4 client that comes in over an IPv6 socket is an IPv4 client (RFC 4291 section 2.5.5.2). */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
