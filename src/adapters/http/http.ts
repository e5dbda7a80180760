import { type CanonicalOptions, canonicalDoor } from './canonical/door.ts';
import { type AdminOptions, adminRoutes } from './operations/admin.ts';
import { registerDocs } from './operations/docs.ts';
import { type HealthCheck, healthRoutes } from './operations/health.ts';
import { verifyRoute } from './operations/verify.ts';
import { type NotMeOptions, notMePages } from './pages/not-me.ts';
import { asPages } from './pages/page.ts';
import { type PasswordResetOptions, passwordResetPages } from './pages/password-reset.ts';
import { type App, createServer, type ServerOptions } from './server/app.ts';
import { requireBearer } from './server/authenticate.ts';
import { TokenPairAnswer } from './server/schemas.ts';
import { scope } from './server/scope.ts';

export interface HttpOptions
  extends ServerOptions,
    CanonicalOptions,
    AdminOptions,
    NotMeOptions,
    PasswordResetOptions {
  readonly publicUrl: string | null;
  readonly checks: Readonly<Record<string, HealthCheck>>;
}

/** The whole HTTP side of the service, ready to listen. */
export async function createHttp(options: HttpOptions): Promise<App> {
  const app = createServer(options);
  app.addSchema(TokenPairAnswer);
  await registerDocs(app, options);
  await canonicalDoor(app, options);
  await scope(app, async (pages) => {
    await asPages(pages);
    notMePages(pages, options);
    passwordResetPages(pages, options);
  });
  await scope(app, (proxies) => {
    requireBearer(proxies, options.authenticate);
    verifyRoute(proxies);
  });
  await scope(app, (operators) => adminRoutes(operators, options));
  healthRoutes(app, options);
  return app;
}
