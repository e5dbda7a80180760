import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';

/** The code and the detail of a request without a route. */
export const NO_SUCH_ROUTE = ['not_found', 'There is no such route.'] as const;

/** The path exists but does not support the method of the request. */
export class MethodNotAllowed extends Error {
  override readonly name = 'MethodNotAllowed';

  constructor(method: string, allowed: readonly string[]) {
    super(`This path does not support ${method}. It supports ${allowed.join(', ')}.`);
  }
}

/**
 * Refuses a request without a route before its body is read. If the path has other methods: 405 with `Allow` (RFC 9110
 * section 15.5.6). Otherwise: 404. OPTIONS is answered for every known path.
 */
export function refuseUnknownRoutes(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    const allowed = methodsOf(app, request);
    if (allowed.length === 0) throw new Refusal(...NO_SUCH_ROUTE);
    reply.header('allow', allowed.join(', '));
    if (request.method === 'OPTIONS') return reply.code(204).send();
    throw new MethodNotAllowed(request.method, allowed);
  });
}

/** The methods of the path of a request; empty for an unknown path. */
function methodsOf(app: FastifyInstance, { url }: FastifyRequest): string[] {
  const routed = (app.supportedMethods as HTTPMethods[]).filter(
    (method) => app.findRoute({ method, url }) !== null,
  );
  return routed.length === 0 ? [] : [...routed, 'OPTIONS'];
}
