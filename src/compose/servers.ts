import { createMetricsServer } from '../adapters/http/http.ts';
import type { Exposition } from '../adapters/http/operations/metrics.ts';
import type { App } from '../adapters/http/server/app.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import type { Config } from '../config.ts';

/** The URLs of the service. */
export interface Addresses {
  readonly url: string;
  readonly docs: string;
  readonly metrics: string;
}

/** The public server, and a metrics server if METRICS_PORT is set. */
export function createServers(
  { host, port, metricsPort, serviceKeys }: Config['http'],
  { app, exposition, log }: { readonly app: App; readonly exposition: Exposition; readonly log: Logger },
) {
  // It closes without draining: a scraper retries.
  const metricsServer =
    metricsPort === null ? null : createMetricsServer(exposition, { log, limits: { drain: 0 }, serviceKeys });

  return {
    async listen(): Promise<Addresses> {
      const metricsUrl = await metricsServer?.listen({ host, port: metricsPort ?? 0 });
      const url = await app.listen({ host, port });
      return { url, docs: `${url}/docs`, metrics: `${metricsUrl ?? url}/metrics` };
    },
    async close(): Promise<void> {
      await app.close();
      await metricsServer?.close();
    },
  };
}
