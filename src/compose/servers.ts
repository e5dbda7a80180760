import { createMetricsServer } from '../adapters/http/http.ts';
import type { Exposition } from '../adapters/http/operations/metrics.ts';
import type { App } from '../adapters/http/server/app.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import type { Config } from '../config.ts';

/** Where the service is to be found. */
export interface Addresses {
  readonly url: string;
  readonly docs: string;
  readonly metrics: string;
}

/** The servers of the service: the one for everybody, and one for metrics where they have a port of their own. */
export function createServers(
  { host, port, metricsPort, serviceKeys }: Config['http'],
  { app, exposition, log }: { readonly app: App; readonly exposition: Exposition; readonly log: Logger },
) {
  // Nobody's loss when it ends: whoever scrapes comes again.
  const aside =
    metricsPort === null ? null : createMetricsServer(exposition, { log, limits: { drain: 0 }, serviceKeys });

  return {
    async listen(): Promise<Addresses> {
      const own = await aside?.listen({ host, port: metricsPort ?? 0 });
      const url = await app.listen({ host, port });
      return { url, docs: `${url}/docs`, metrics: `${own ?? url}/metrics` };
    },
    async close(): Promise<void> {
      await app.close();
      await aside?.close();
    },
  };
}
