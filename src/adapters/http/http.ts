import { type CanonicalOptions, canonicalDoor } from './canonical/door.ts';
import { registerDocs } from './operations/docs.ts';
import { type HealthCheck, healthRoutes } from './operations/health.ts';
import { type App, createServer, type ServerOptions } from './server/app.ts';
import { TokenPairAnswer } from './server/schemas.ts';

export interface HttpOptions extends ServerOptions, CanonicalOptions {
  readonly publicUrl: string | null;
  readonly checks: Readonly<Record<string, HealthCheck>>;
}

/** The whole HTTP side of the service, ready to listen. */
export async function createHttp(options: HttpOptions): Promise<App> {
  const app = createServer(options);
  app.addSchema(TokenPairAnswer);
  await registerDocs(app, options);
  canonicalDoor(app, options);
  healthRoutes(app, options);
  return app;
}
