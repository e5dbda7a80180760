import type { HealthChecks } from '../../app/overview/check-dependencies.ts';
import { type CanonicalOptions, canonicalDoor } from './canonical/door.ts';
import { type ConsoleOptions, consoleRoutes } from './console/console.ts';
import type { ConsoleFiles } from './console/files.ts';
import { type FrontDoorOptions, openFrontDoors } from './doors/front-doors.ts';
import { type OAuthOptions, oauthRoutes } from './oauth/door.ts';
import { OAuthError } from './oauth/errors.ts';
import { metadataRoute } from './oauth/metadata.ts';
import { type AdminOptions, adminRoutes } from './operations/admin.ts';
import { registerDocs } from './operations/docs.ts';
import { healthRoutes } from './operations/health.ts';
import { type KeySetOptions, keySetRoute } from './operations/key-set.ts';
import { checkMetricsKey, type Exposition, metricsRoute } from './operations/metrics.ts';
import { type RevocationsOptions, revocationsRoute } from './operations/revocations.ts';
import { verifyRoute } from './operations/verify.ts';
import { type WebhookOptions, webhookRoutes } from './operations/webhooks/webhooks.ts';
import { accountPages, unknownAccountPages } from './pages/account/account.ts';
import type { AccountPageOptions } from './pages/account/context.ts';
import { type EmailChangeOptions, emailChangePages } from './pages/email-change.ts';
import { type EmailVerificationOptions, emailVerificationPages } from './pages/email-verification.ts';
import { homePage } from './pages/home.ts';
import { type NotMeOptions, notMePages } from './pages/not-me.ts';
import { createPageSender, servePages } from './pages/page.ts';
import { type PasswordResetOptions, passwordResetPages } from './pages/password-reset.ts';
import { type App, createServer, type ServerOptions } from './server/app.ts';
import { requireBearerOrCookie } from './server/bearer-or-cookie.ts';
import { createTrustedProxyCheck } from './server/forwarding.ts';
import { redirectToDocs } from './server/redirect-to-docs.ts';
import { registerScope } from './server/register-scope.ts';
import { SessionInCookies, TokenPairAnswer } from './server/schemas.ts';
import { acceptSessionCookies } from './server/session-transport.ts';
import { type SheddingOptions, shedLoad } from './server/shedding.ts';
import { type ConfigurationOptions, configurationRoute } from './signals/configuration.ts';
import { type SignalOptions, signalRoutes } from './signals/signals.ts';

/** The options of the pages that people open. */
interface PageOptions {
  /** The name of the service in pages. */
  readonly serviceName: string;
  /** Whether the pages under `/account` are served. */
  readonly accountPages: boolean;
  /** The files of the console; null: this server does not serve the console. */
  readonly consoleFiles: ConsoleFiles | null;
}

/** The options of all routes and of the server. */
type RouteOptions = ServerOptions &
  CanonicalOptions &
  FrontDoorOptions &
  AdminOptions &
  WebhookOptions &
  RevocationsOptions &
  KeySetOptions &
  OAuthOptions &
  ConfigurationOptions &
  SignalOptions &
  NotMeOptions &
  PasswordResetOptions &
  EmailVerificationOptions &
  EmailChangeOptions &
  AccountPageOptions &
  ConsoleOptions &
  PageOptions &
  SheddingOptions;

type ConfigName = keyof (Omit<ServerOptions, 'log' | 'tracing' | 'onRequestEnded'> &
  Pick<
    RouteOptions,
    | 'issuer'
    | 'signsEventTokens'
    | 'serviceName'
    | 'accountPages'
    | 'sendsMails'
    | 'emailVerification'
    | 'consoleFiles'
    | 'serviceKeys'
    | 'frontDoors'
    | 'rateLimit'
    | 'authorizeLogin'
  >);
type ObservabilityName = 'log' | 'tracing' | 'onRequestEnded' | keyof SheddingOptions;
type KeysName = keyof KeySetOptions;

export interface HttpOptions {
  readonly useCases: Omit<RouteOptions, ConfigName | ObservabilityName | KeysName>;
  readonly config: Pick<RouteOptions, ConfigName>;
  readonly keys: Pick<RouteOptions, KeysName>;
  readonly observability: Pick<RouteOptions, ObservabilityName> & {
    readonly checks: HealthChecks;
    /** Null: another server serves the metrics. */
    readonly metrics: (Exposition & { readonly access: 'open' | 'key' }) | null;
  };
}

/** Creates the complete HTTP server, ready to listen. */
export async function createHttp({ useCases, config, keys, observability }: HttpOptions): Promise<App> {
  const options = { ...useCases, ...config, ...keys, ...observability };
  const app = createServer(options);
  app.addSchema(TokenPairAnswer);
  app.addSchema(SessionInCookies);
  app.addSchema(OAuthError);
  await registerDocs(app, options);
  await registerScope(app, async (clients) => {
    shedLoad(clients, options);
    await clientRoutes(clients, options);
  });
  await operatorRoutes(app, options, options.consoleFiles);
  await registerScope(app, (resourceServers) => revocationsRoute(resourceServers, options));
  const { metrics, serviceKeys } = options;
  if (metrics !== null)
    await registerScope(app, (scrapers) => {
      checkMetricsKey(scrapers, metrics.access, serviceKeys);
      metricsRoute(scrapers, metrics);
    });
  await registerScope(app, async (receivers) => signalRoutes(receivers, options));
  metadataRoute(app, options);
  configurationRoute(app, options);
  keySetRoute(app, options);
  healthRoutes(app, options);
  homePage(app, options.accountPages, createPageSender(options.serviceName));
  return app;
}

/** The routes of operators. The cookie of the console is accepted where the console is served. */
async function operatorRoutes(app: App, options: RouteOptions, files: ConsoleFiles | null): Promise<void> {
  const isServed = files !== null;
  await registerScope(app, (operators) => adminRoutes(operators, options, isServed));
  await registerScope(app, (operators) => webhookRoutes(operators, options, isServed));
  if (files !== null) await registerScope(app, (console) => consoleRoutes(console, files, options));
}

/** The routes for clients, people and proxies. Load shedding applies to these routes only. */
async function clientRoutes(app: App, options: RouteOptions): Promise<void> {
  await registerScope(app, async (canonical) => {
    await acceptSessionCookies(canonical, options);
    await canonicalDoor(canonical, options);
  });
  redirectToDocs(app, '/api/auth/swagger/index.html', 'operations', 'openDocs');
  await openFrontDoors(app, options);
  await registerScope(app, async (pages) => {
    const sendPage = createPageSender(options.serviceName);
    await servePages(pages, sendPage);
    notMePages(pages, { ...options, sendPage });
    passwordResetPages(pages, { ...options, sendPage });
    emailChangePages(pages, { ...options, sendPage });
    emailVerificationPages(pages, { ...options, sendPage });
  });
  if (options.accountPages) {
    await registerScope(app, (account) => accountPages(account, options));
    await registerScope(app, (unknown) => unknownAccountPages(unknown, options.serviceName), '/account');
  }
  await registerScope(app, (oauth) => oauthRoutes(oauth, options));
  await registerScope(app, async (proxies) => {
    await acceptSessionCookies(proxies, options);
    requireBearerOrCookie(proxies, { ...options, isTrusted: createTrustedProxyCheck(options.trustProxy) });
    verifyRoute(proxies);
  });
}

/** Creates a server that serves metrics only. */
export function createMetricsServer(
  exposition: Exposition,
  { log, limits, serviceKeys }: Pick<ServerOptions, 'log' | 'limits'> & Pick<AdminOptions, 'serviceKeys'>,
): App {
  const app = createServer({
    log,
    trustProxy: [],
    corsOrigins: [],
    sessionCookies: false,
    publicUrl: null,
    ...(limits && { limits }),
  });
  checkMetricsKey(app, 'open', serviceKeys);
  metricsRoute(app, exposition);
  return app;
}

/** Creates a server that serves the console and the routes under `/admin`. */
export async function createConsoleServer(
  { useCases, config, keys, observability }: HttpOptions,
  files: ConsoleFiles,
): Promise<App> {
  const options = { ...useCases, ...config, ...keys, ...observability };
  const app = createServer(options);
  await operatorRoutes(app, options, files);
  return app;
}
