import { createMetricsServer } from '../adapters/http/http.ts';
import type { Exposition } from '../adapters/http/operations/metrics.ts';
import type { App } from '../adapters/http/server/app.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import { type Config, ConfigurationError } from '../config.ts';
import { errorCode } from '../lib/errors.ts';
import { runAll, waitForAll } from '../lib/run-all.ts';

/** The URLs of the service. */
export interface ServiceUrls {
  /** The address on which the service listens. */
  readonly url: string;
  /** Begins with PUBLIC_URL if it is set, because the port of a container has another number outside. */
  readonly docs: string;
  /** Begins like `docs`. Absent: the account pages are off. */
  readonly account?: string;
  readonly metrics: string;
  /** Absent: the console is off. */
  readonly console?: string;
}

interface Parts {
  readonly app: App;
  /** Null: the public server serves the console, or the console is off. */
  readonly consoleApp: App | null;
  readonly exposition: Exposition;
  readonly log: Logger;
}

/** Creates a metrics server if the metrics have a port of their own. `listen` and `close` apply to all servers. */
export function createServers(
  { host, port, publicUrl, metricsPort, accountPages, console, serviceKeys }: Config['http'],
  { app, consoleApp, exposition, log }: Parts,
) {
  // The metrics server closes without draining, because a scraper retries.
  const metricsServer =
    metricsPort === null ? null : createMetricsServer(exposition, { log, limits: { drain: 0 }, serviceKeys });

  return {
    async listen(): Promise<ServiceUrls> {
      const metricsUrl =
        metricsServer && (await listenOn(metricsServer, 'METRICS_PORT', host, metricsPort ?? 0));
      const consoleUrl = consoleApp && (await listenOn(consoleApp, 'CONSOLE_PORT', host, console?.port ?? 0));
      const url = await listenOn(app, 'API_PORT', host, port);
      return {
        url,
        docs: `${publicUrl ?? url}/docs`,
        ...(accountPages && { account: `${publicUrl ?? url}/account` }),
        metrics: `${metricsUrl ?? url}/metrics`,
        ...(console !== null && { console: `${consoleUrl ?? publicUrl ?? url}/console` }),
      };
    },
    close: () =>
      runAll([() => waitForAll([app.close(), consoleApp?.close()]), async () => metricsServer?.close()]),
  };
}

/** Listens on the port of this variable. Rejects with a {@link ConfigurationError} if another program uses the port. */
async function listenOn(
  server: Pick<App, 'listen'>,
  variable: string,
  host: string,
  port: number,
): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw error;
    throw new ConfigurationError([
      `${variable} is ${port}, but another program uses this port on ${host}: end it, or set another port.`,
    ]);
  }
}
