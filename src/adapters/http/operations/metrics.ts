import type { ServiceKey } from '../../../domain/service-key.ts';
import type { App } from '../server/app.ts';
import { problemResponses, textAnswer } from '../server/schemas.ts';
import { bearerOf, createPresentedKeyFinder, requireScope } from '../server/service-keys.ts';

/** The metrics as text of this content type. */
export interface Exposition {
  readonly contentType: string;
  scrape(): Promise<string>;
}

/** `GET /metrics`. Needs an encapsulated `App` of its own: {@link checkMetricsKey} applies to all its routes. */
export function metricsRoute(app: App, { contentType, scrape }: Exposition): void {
  app.get(
    '/metrics',
    {
      schema: {
        operationId: 'getMetrics',
        tags: ['operations'],
        summary: 'Metrics for Prometheus',
        security: [{ serviceKey: [] }, { serviceKeyAsBearer: [] }, {}],
        response: {
          200: textAnswer('the text format of Prometheus', 'text/plain'),
          ...problemResponses(401, 403),
        },
      },
    },
    async (_request, reply) => {
      return reply.type(contentType).send(await scrape());
    },
  );
}

/**
 * Requires a service key with the scope `metrics` for each route that is registered on `app`. With `open` access the
 * key is optional. A key can also be a bearer token, because Prometheus before 2.55 cannot send `x-api-key`.
 */
export function checkMetricsKey(app: App, access: 'open' | 'key', keys: readonly ServiceKey[]): void {
  const findKey = createPresentedKeyFinder(keys);
  app.addHook('onRequest', async (request) => {
    const key = findKey(request, bearerOf(request));
    if (key === null && access === 'open') return;
    requireScope(key, 'metrics', {
      missing: 'A service key with scope "metrics" is needed in x-api-key, or as Authorization: Bearer …',
      forbidden: 'This service key does not have the scope "metrics".',
    });
  });
}
