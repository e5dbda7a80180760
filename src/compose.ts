import { randomUUID } from 'node:crypto';
import { type ConsoleFiles, readConsoleFiles } from './adapters/http/console/files.ts';
import { createConsoleServer, createHttp, type HttpOptions } from './adapters/http/http.ts';
import type { App, ServerLimits } from './adapters/http/server/app.ts';
import { createLoginAuthorizer } from './adapters/http/server/authorize-login.ts';
import { createRevokedFamilies } from './adapters/memory/revoked-families.ts';
import type { Logger } from './adapters/telemetry/log.ts';
import { createMetrics, type Metrics } from './adapters/telemetry/metrics.ts';
import type { OverloadLimits } from './adapters/telemetry/overload.ts';
import { createWebhookSender } from './adapters/webhooks/webhook-sender.ts';
import { trackSlowestHash } from './app/accounts/track-slowest-hash.ts';
import { openStoredSecrets } from './app/factors/open-stored-secrets.ts';
import type { ReadOverview } from './app/overview/read-overview.ts';
import { reportLimits } from './app/report-limits.ts';
import { createDeferredWork } from './compose/deferred-work.ts';
import { startDeliveries } from './compose/deliveries.ts';
import { openKeySet } from './compose/key-set.ts';
import { type Background, startLoop } from './compose/loop.ts';
import { startObservability } from './compose/observability.ts';
import { createOverview } from './compose/overview.ts';
import { createSecurity } from './compose/security.ts';
import { createServers, type ServiceUrls } from './compose/servers.ts';
import { createLocalStores, openSharedState, type SharedState } from './compose/shared-state.ts';
import { openStores, type StartEvents, type Stores } from './compose/stores.ts';
import { openTracing, withSpans } from './compose/tracing.ts';
import { startUpkeep } from './compose/upkeep.ts';
import { createUseCases, type UseCaseDeps } from './compose/use-cases.ts';
import { startWebhooks, webhooksFileFaults } from './compose/webhooks.ts';
import type { PrimaryChannel } from './compose/worker.ts';
import { type Config, ConfigurationError } from './config.ts';
import { runAll, waitForAll } from './lib/run-all.ts';
import type { Clock } from './ports/clock.ts';
import type { WebhookSender } from './ports/delivery/webhook-sender.ts';
import type { NewId } from './ports/new-id.ts';
import { StoreUnavailable } from './ports/stores/store-unavailable.ts';
import type { Telemetry } from './ports/telemetry.ts';
import type { Tracing } from './ports/tracing.ts';

/** Parts that tests replace, callbacks for slow steps of the start, and the connection of a worker to its primary. */
export interface Overrides {
  readonly clock?: Clock;
  readonly newId?: NewId;
  readonly limits?: Partial<ServerLimits>;
  readonly overload?: Partial<OverloadLimits>;
  /** Called for the steps of the start that take long. */
  readonly events?: StartEvents;
  /** Absent: this process is the whole service. */
  readonly primary?: PrimaryChannel;
}

/** Milliseconds between two searches for the slowest hash function among the stored password hashes. */
const SLOWEST_HASH_PAUSE = 60_000;

/** Milliseconds between two samples of the overview. */
const SAMPLE_PAUSE = 10_000;

export interface Service {
  readonly app: App;
  /** Starts to accept requests. Returns the addresses of the service. */
  listen(): Promise<ServiceUrls>;
  /**
   * Stops accepting requests, finishes running requests, then closes each part before the parts that it needs. If one
   * part fails, the others are closed all the same.
   */
  close(): Promise<void>;
  /** Resolves with the reason if the service cannot continue. */
  readonly failure: Promise<Error>;
}

/** Builds the service from its configuration. The use cases get their adapters only here and in `src/compose/`. */
export async function compose(config: Config, log: Logger, overrides: Overrides = {}): Promise<Service> {
  const { clock = Date.now, newId = randomUUID, events, primary } = overrides;
  const revoked = createRevokedFamilies(clock);
  const metrics = createMetrics();
  const { tracing, close: closeTracing } = await openTracing(config, log);
  const base = { clock, newId, log, telemetry: metrics.telemetry, tracing };
  const stores = await openStores(config, { ...base, revoked, storeCalls: metrics.storeCalls, events });
  const runsBackgroundWork = primary?.runsBackgroundWork ?? true;
  try {
    return await composeService({
      config,
      overrides,
      base,
      revoked,
      metrics,
      stores,
      runsBackgroundWork,
      closeTracing,
    });
  } catch (error) {
    await stores.close();
    throw error;
  }
}

/** The parts that exist before {@link composeService} runs. */
interface Foundation {
  readonly config: Config;
  readonly overrides: Overrides;
  /** The dependencies that most parts need. */
  readonly base: {
    readonly clock: Clock;
    readonly newId: NewId;
    readonly log: Logger;
    readonly telemetry: Telemetry;
    readonly tracing: Tracing | null;
  };
  readonly revoked: ReturnType<typeof createRevokedFamilies>;
  readonly metrics: Metrics;
  readonly stores: Stores;
  /** Whether this process does the background work of the whole service. */
  readonly runsBackgroundWork: boolean;
  closeTracing(): Promise<void>;
}

async function composeService(foundation: Foundation): Promise<Service> {
  const { config, overrides, base, metrics, stores } = foundation;
  const { primary } = overrides;
  const keys = await openKeys(foundation);
  const { addDependency } = metrics;
  const memory = primary?.memory ?? createLocalStores(config);
  const shared = await openSharedState(config, memory, { ...base, addDependency });
  primary?.setSamplesReader(metrics.samples);
  const exposition = { ...metrics, scrape: primary?.scrape ?? metrics.scrape };
  const observability = startObservability(config, {
    ...base,
    ...stores,
    metrics,
    exposition,
    hashing: keys.hashing,
    revoked: foundation.revoked,
    limits: overrides.overload ?? {},
  });
  const webhookSender = createWebhookSender(config.webhooks);
  const faults = webhooksFileFaults(config, webhookSender);
  if (faults.length > 0) throw new ConfigurationError(faults);
  const deferred = createDeferredWork(base.log);
  const useCases = buildUseCases(foundation, keys.security, shared, {
    deferWork: deferred.deferWork,
    webhookSender,
  });
  const checks = { database: stores.ping, capacity: observability.checkCapacity };
  const readOverview = createOverview(config, { ...base, stores, metrics, primary, checks });
  const consoleFiles = await openConsoleFiles(config);
  const options: HttpOptions = {
    useCases: withSpans(base.tracing, { ...useCases, readOverview }, (name) => ({ name, kind: 'internal' })),
    config: httpConfig(foundation, keys.security, consoleFiles.ofPublicServer),
    keys: { publishedKeys: keys.accessKeys.publishedKeys, keySetMaxAge: config.keySet.maxAge },
    observability: { ...observability.http, log: base.log, tracing: base.tracing, checks },
  };
  const app = await createHttp(options);
  const { ofOwnServer } = consoleFiles;
  const consoleApp = ofOwnServer === null ? null : await createConsoleServer(options, ofOwnServer);
  const servers = createServers(config.http, { app, consoleApp, exposition, log: base.log });
  // Steps that can fail come first, so that a failed start leaves no loop running.
  const background = [
    ...(foundation.runsBackgroundWork
      ? await startBackgroundWork(foundation, keys.security, webhookSender, app)
      : []),
    ...startLoopsOfEachProcess(foundation, keys, readOverview),
    deferred,
  ];
  return {
    app,
    listen: servers.listen,
    failure: stores.failure,
    close: () =>
      runAll([
        servers.close,
        () => waitForAll(background.map((work) => work.stop())),
        async () => primary?.reportMetrics(await metrics.samples()),
        observability.stop,
        shared.close,
        stores.close,
        foundation.closeTracing,
      ]),
  };
}

type Keys = Awaited<ReturnType<typeof openKeys>>;

/** Opens the key set, and creates the parts that need a key. */
async function openKeys({ config, base, stores, runsBackgroundWork }: Foundation) {
  const accessKeys = await openKeySet(config, {
    ...base,
    signingKeys: stores.signingKeys,
    maintains: runsBackgroundWork,
  });
  const slowestHash = trackSlowestHash(stores);
  await slowestHash.reload();
  const { hashing, ...security } = createSecurity(
    config,
    accessKeys.keySet,
    base.log,
    base.telemetry,
    slowestHash.minimum,
  );
  return { accessKeys, slowestHash, hashing, security };
}

function buildUseCases(
  { config, base, stores, revoked }: Foundation,
  security: Keys['security'],
  shared: SharedState,
  others: Pick<UseCaseDeps, 'deferWork' | 'webhookSender'>,
) {
  return createUseCases({
    ...base,
    ...stores,
    ...security,
    ...others,
    revoked,
    cache: shared.cache,
    usedProofs: shared.usedProofs,
    attempts: reportLimits(shared.attempts, base.telemetry, 'password'),
    proofAttempts: reportLimits(shared.proofAttempts, base.telemetry, 'proof'),
    policy: config.policy,
    limits: config.limits,
    emailVerification: config.emailVerification,
    serviceName: config.http.serviceName,
    sendsMails: config.mail.kind !== 'off',
    legacyDoorsSkipSecondFactor: config.http.legacyDoorsSkipSecondFactor,
    operatorsNeedSecondFactor: config.production,
  });
}

/** Reads the files of the console for the server that serves the console. The other value is null. */
async function openConsoleFiles({ http: { console } }: Config) {
  const files = console === null ? null : await readConsoleFiles();
  const hasOwnServer = console?.port != null;
  return { ofPublicServer: hasOwnServer ? null : files, ofOwnServer: hasOwnServer ? files : null };
}

function httpConfig(
  { config: { http, mail, emailVerification, tokens }, overrides, base }: Foundation,
  { nonces, signsEventTokens }: Keys['security'],
  consoleFiles: ConsoleFiles | null,
): HttpOptions['config'] {
  return {
    ...http,
    limits: overrides.limits ?? {},
    consoleFiles,
    sendsMails: mail.kind !== 'off',
    emailVerification,
    currentNonce: nonces && (() => nonces.current(base.clock())),
    issuer: tokens.issuers[0] ?? '',
    signsEventTokens,
    authorizeLogin: createLoginAuthorizer(http.loginByUserId, http.serviceKeys),
  };
}

/** Starts the background work that one process does for the whole service. */
async function startBackgroundWork(
  { config, base, metrics, stores }: Foundation,
  security: Keys['security'],
  webhookSender: WebhookSender,
  app: App,
): Promise<Background[]> {
  const { http, policy, auditRetention } = config;
  const deliveries = await startDeliveries(config, {
    ...base,
    addDependency: metrics.addDependency,
    outbox: stores.outbox,
    users: stores.users,
    budget: stores.mailBudget,
    links: security.links,
    origin: () => http.publicUrl ?? `http://localhost:${portOf(app) ?? http.port}`,
  });
  const { mailer } = deliveries;
  const webhooks = startWebhooks(config, { ...base, ...stores, ...security, webhookSender, mailer });
  const upkeep = startUpkeep({ ...base, ...stores, policy, sealMacs: security.sealMacs, auditRetention });
  return [deliveries, webhooks, upkeep, reportMissingDataKey(stores, security, base.log)];
}

/** How many secrets of each store a start opens, to find a missing key. */
const MAX_SECRETS_AT_START = 100;

/** Logs an error if a key is missing in DATA_ENCRYPTION_KEY. Otherwise users would learn of it at their sign-in. */
function reportMissingDataKey(
  { secondFactors, webhookEndpoints }: Stores,
  { sealer }: Keys['security'],
  log: Logger,
): Background {
  const stores = [secondFactors, webhookEndpoints];
  const check = openStoredSecrets({ stores, sealer }, MAX_SECRETS_AT_START).then(
    () => {},
    (err: unknown) => {
      if (err instanceof StoreUnavailable) log.warn({ err }, 'the stored secrets were not checked');
      else log.error({ err }, 'stored secrets cannot be opened; correct DATA_ENCRYPTION_KEY');
    },
  );
  return { stop: () => check };
}

/** Starts the loops of every process: they read the changes of other processes, and sample the overview. */
function startLoopsOfEachProcess(
  { config, base: { log } }: Foundation,
  { accessKeys, slowestHash }: Keys,
  readOverview: ReadOverview,
): Background[] {
  const loops = [accessKeys.startMaintenance(), startLoop(SLOWEST_HASH_PAUSE, slowestHash.reload, log)];
  if (config.http.console !== null) loops.push(startLoop(SAMPLE_PAUSE, sampleOverview, log));
  return loops;

  /** Reads the overview, so that its history has no gap while no operator looks at it. */
  async function sampleOverview(): Promise<number> {
    await readOverview();
    return 0;
  }
}

/** The port that the system assigned if the configured port is 0. */
function portOf({ server }: App): number | undefined {
  const address = server.address();
  return address === null || typeof address === 'string' ? undefined : address.port;
}
