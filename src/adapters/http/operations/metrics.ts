import type { FastifyRequest } from 'fastify';
import type { App } from '../server/app.ts';
import { problems, text } from '../server/schemas.ts';
import { presentedKeys, requireScope, type ServiceKey } from '../server/service-keys.ts';

/** What there is to show, as text of this content type. */
export interface Exposition {
  readonly contentType: string;
  scrape(): Promise<string>;
}

/** `GET /metrics`: to be called in a scope of its own where it is not for everyone. */
export function metricsRoute(scope: App, { contentType, scrape }: Exposition): void {
  scope.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        tags: ['operations'],
        summary: 'Metrics for Prometheus',
        security: [{ serviceKey: [] }, { serviceKeyAsBearer: [] }, {}],
        response: { 200: text('the text format of Prometheus', 'text/plain'), ...problems(401, 403) },
      },
    },
    async (_request, reply) => {
      return reply
        .header('cache-control', 'no-store')
        .type(contentType)
        .send(await scrape());
    },
  );
}

/**
 * Checks the service key of every request of this scope: it needs the scope `metrics`. With `open` access a request
 * may have no key.
 */
export function checkMetricsKey(scope: App, access: 'open' | 'key', keys: readonly ServiceKey[]): void {
  const find = presentedKeys(keys);
  scope.addHook('onRequest', async (request) => {
    const key = find(request, bearerOf(request));
    if (key === null && access === 'open') return;
    requireScope(key, 'metrics', {
      missing: 'A service key with scope "metrics" is needed in x-api-key, or as Authorization: Bearer …',
      forbidden: 'This service key is not for metrics.',
    });
  });
}

/** Prometheus can send a bearer from a file; a header of another name only since it is three. */
function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(headers.authorization ?? '')?.[1];
}
