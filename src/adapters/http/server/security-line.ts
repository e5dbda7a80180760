import type { FastifyRequest } from 'fastify';
import type { SecurityEvent, SecurityFacts } from '../../../ports/security-log.ts';
import { clientOf } from './client.ts';
import type { ProblemCode } from './problems.ts';

/** Writes an event that only the HTTP side knows into the log of the request. */
export function logSecurityEvent(request: FastifyRequest, event: SecurityEvent, facts: SecurityFacts): void {
  const { address } = clientOf(request);
  const route = request.routeOptions?.url;
  request.log.warn({ event, address, route, ...facts }, `security: ${event.replaceAll('_', ' ')}`);
}

/** Logs a refused request that came with a service key: a wrong key, or a key without the scope. */
export function logRefusedServiceKey(request: FastifyRequest, code: ProblemCode): void {
  if (code !== 'unauthenticated' && code !== 'forbidden') return;
  const { authorization = '', 'x-api-key': key } = request.headers;
  if (key === undefined && !/^Basic /i.test(authorization)) return;
  logSecurityEvent(request, 'service_key_refused', { reason: code });
}
