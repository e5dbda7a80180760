import type { FastifyRequest } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import type { SecurityEvent, SecurityFacts } from '../../../ports/security-log.ts';
import { ipAddressOf } from './client-info.ts';

/** A refusal whose cause is the service key of the request: a wrong key, or one without the scope. */
export class ServiceKeyRefusal extends Refusal {}

/** Writes a security event of the HTTP adapter to the log of its request. */
export function logSecurityEvent(request: FastifyRequest, event: SecurityEvent, facts: SecurityFacts): void {
  const address = ipAddressOf(request);
  const route = request.routeOptions?.url;
  request.log.warn({ event, address, route, ...facts }, `security: ${event.replaceAll('_', ' ')}`);
}
