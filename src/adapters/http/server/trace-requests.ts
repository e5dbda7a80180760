import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Span, SpanAttributes, TraceContext, Tracing } from '../../../ports/tracing.ts';
import { onRequestEnd } from './request-end.ts';

/**
 * Creates a span for each request, named by its route, and runs the request within the span. Apart from the id of the
 * request, the attributes of the span have a bounded number of values. The URL is not among them, because it may carry
 * tokens.
 */
export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, Span>();

  app.addHook('onRequest', (request, reply, done) => {
    const { method, routeOptions } = request;
    const route = routeOptions.url;
    const span = tracing.start({
      name: route === undefined ? 'unknown route' : `${method} ${route}`,
      kind: 'server',
      facts: factsOf(request, route),
      parent: parentOf(request),
    });
    spans.set(request, span);
    onRequestEnd(reply, ({ status }) => {
      span.note({
        'http.response.status_code': status,
        ...(status >= 500 && { 'error.type': String(status) }),
      });
      span.end();
    });
    span.within(done);
  });

  // Events of the connection deliver the body. They run outside the span, so the span is entered again here.
  app.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else span.within(done);
  });
}

function factsOf({ method, id }: FastifyRequest, route: string | undefined): SpanAttributes {
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
