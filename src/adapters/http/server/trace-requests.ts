import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Span, SpanFacts, TraceContext, Tracing } from '../../../ports/tracing.ts';

/**
 * A span for each request, named by its route, within which all of it is done. Its facts are of bounded kinds:
 * the URL, in which tokens travel, is not among them.
 */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, Span>();

  app.addHook('onRequest', (request, _reply, done) => {
    const { method, routeOptions } = request;
    const route = routeOptions.url;
    const span = tracing.start({
      name: route === undefined ? 'unknown route' : `${method} ${route}`,
      kind: 'server',
      facts: factsOf(request, route),
      parent: parentOf(request),
    });
    spans.set(request, span);
    span.within(done);
  });

  // The body arrives on events of the connection, which know nothing of the span.
  app.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else span.within(done);
  });

  app.addHook('onResponse', async (request, { statusCode }) => {
    const span = spans.get(request);
    span?.note({
      'http.response.status_code': statusCode,
      ...(statusCode >= 500 && { 'error.type': String(statusCode) }),
    });
    span?.end();
  });
}

function factsOf({ method, id }: FastifyRequest, route: string | undefined): SpanFacts {
  return {
    'http.request.method': method,
    ...(route !== undefined && { 'http.route': route }),
    'kinship.request_id': id,
  };
}

function parentOf({ headers }: FastifyRequest): TraceContext | null {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== 'string') return null;
  return { traceparent, ...(typeof tracestate === 'string' && { tracestate }) };
}
