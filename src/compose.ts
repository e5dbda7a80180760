import { randomUUID } from 'node:crypto';
import { readConsoleFiles } from './adapters/http/console/files.ts';
import { createConsoleServer, createHttp, type HttpOptions } from './adapters/http/http.ts';
import type { App, ServerLimits } from './adapters/http/server/app.ts';
import { createLoginAuthorizer } from './adapters/http/server/authorize-login.ts';
import { createRevokedFamilies } from './adapters/memory/revoked-families.ts';
import type { Logger } from './adapters/telemetry/log.ts';
import { createMetrics } from './adapters/telemetry/metrics.ts';
import type { OverloadLimits } from './adapters/telemetry/overload.ts';
import { createWebhookSender } from './adapters/webhooks/webhook-sender.ts';
import { trackSlowestHash } from './app/accounts/track-slowest-hash.ts';
import { reportLimits } from './app/report-limits.ts';
import { startDeliveries } from './compose/deliveries.ts';
import { openKeySet } from './compose/key-set.ts';
import { type Background, startLoop } from './compose/loop.ts';
import { startObservability } from './compose/observability.ts';
import { createOverview } from './compose/overview.ts';
import { createSecurity } from './compose/security.ts';
import { createServers, type ServiceUrls } from './compose/servers.ts';
import { createMemory, openSharedState } from './compose/shared-state.ts';
import { openStores, type StartEvents, type Stores } from './compose/stores.ts';
import { openTracing, withSpans } from './compose/tracing.ts';
import { startUpkeep } from './compose/upkeep.ts';
import { createUseCases } from './compose/use-cases.ts';
import { assertWebhooksFile, startWebhooks } from './compose/webhooks.ts';
import type { PrimaryChannel } from './compose/worker.ts';
import type { Config } from './config.ts';
import type { Clock } from './ports/clock.ts';
import type { NewId } from './ports/new-id.ts';

/** Parts that tests replace, and callbacks for the slow steps of the start. */
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
  /** Stops accepting requests, finishes running requests, then closes each part before the parts that it needs. */
  close(): Promise<void>;
  /** Resolves with the reason if the service cannot continue. */
  readonly failed: Promise<Error>;
}

/** Builds the service from its configuration. The use cases get their adapters only here and in `src/compose/`. */
export async function compose(config: Config, log: Logger, overrides: Overrides = {}): Promise<Service> {
  const clock = overrides.clock ?? Date.now;
  const revoked = createRevokedFamilies(clock);
  const metrics = createMetrics();
  const tracing = await openTracing(config, log);
  const base = { clock, log, telemetry: metrics.telemetry, tracing: tracing.tracing };
  const { events, primary } = overrides;
  const runsBackgroundWork = primary?.runsBackgroundWork ?? true;
  const stores = await openStores(config, { ...base, revoked, storeCalls: metrics.storeCalls, events });
  try {
    return await composeOn(stores);
  } catch (error) {
    await stores.close();
    throw error;
  }

  async function composeOn(stores: Stores): Promise<Service> {
    const { http, policy, limits, emailVerification, tokens, keySet } = config;
    const newId = overrides.newId ?? randomUUID;
    const accessKeys = await openKeySet(config, {
      signingKeys: stores.signingKeys,
      maintains: runsBackgroundWork,
      clock,
      newId,
      log,
    });
    const slowestHash = trackSlowestHash(stores);
    await slowestHash.reload();
    const { hashing, ...security } = createSecurity(
      config,
      accessKeys.keySet,
      log,
      metrics.telemetry,
      slowestHash.minimum,
    );
    const { addDependency } = metrics;
    const memory = primary?.memory ?? createMemory(config);
    const shared = await openSharedState(config, memory, { ...base, addDependency });
    primary?.setSamplesReader(metrics.samples);
    const exposition = { ...metrics, scrape: primary?.scrape ?? metrics.scrape };
    const observability = startObservability(config, {
      ...base,
      metrics,
      exposition,
      hashing,
      revoked,
      outbox: stores.outbox,
      webhookDeliveries: stores.webhookDeliveries,
      limits: overrides.overload ?? {},
    });
    const { nonces } = security;
    const webhookSender = createWebhookSender(config.webhooks);
    assertWebhooksFile(config, { ...security, webhookSender });
    const useCases = createUseCases({
      ...base,
      ...stores,
      ...security,
      webhookSender,
      policy,
      limits,
      emailVerification,
      serviceName: http.serviceName,
      revoked,
      cache: shared.cache,
      usedProofs: shared.usedProofs,
      attempts: reportLimits(shared.attempts, metrics.telemetry, 'password'),
      proofAttempts: reportLimits(shared.proofAttempts, metrics.telemetry, 'proof'),
      legacyDoorsSkipSecondFactor: http.legacyDoorsSkipSecondFactor,
      operatorsNeedSecondFactor: config.production,
      newId,
    });
    const checks = { database: stores.ping, capacity: observability.checkCapacity };
    const readOverview = createOverview(config, { ...base, stores, metrics, primary, checks });
    const consoleFiles = http.console === null ? null : await readConsoleFiles();
    const hasConsolePort = http.console?.port != null;
    const options: HttpOptions = {
      useCases: withSpans(base.tracing, { ...useCases, readOverview }, (name) => ({
        name,
        kind: 'internal',
      })),
      config: {
        ...http,
        limits: overrides.limits ?? {},
        consoleFiles: hasConsolePort ? null : consoleFiles,
        currentNonce: nonces && (() => nonces.current(clock())),
        issuer: tokens.issuers[0] ?? '',
        signsEventTokens: security.signsEventTokens,
        authorizeLogin: createLoginAuthorizer(http.loginByUserId, http.serviceKeys),
      },
      keys: { publishedKeys: accessKeys.publishedKeys, keySetMaxAge: keySet.maxAge },
      observability: {
        ...observability.http,
        log,
        tracing: base.tracing,
        checks,
      },
    };
    const app = await createHttp(options);
    const consoleApp =
      hasConsolePort && consoleFiles !== null ? await createConsoleServer(options, consoleFiles) : null;
    const servers = createServers(http, { app, consoleApp, exposition, log });
    // Steps that can fail come first, so that a failed start leaves no loop running.
    const background: Background[] = runsBackgroundWork ? await startBackgroundWork() : [];
    // Every worker runs these loops, because they read changes of other processes: of keys, and of imported hashes.
    background.push(accessKeys.startMaintenance(), startLoop(SLOWEST_HASH_PAUSE, slowestHash.reload, log));
    if (consoleFiles !== null) background.push(startLoop(SAMPLE_PAUSE, sampleOverview, log));
    return {
      app,
      listen: servers.listen,
      failed: stores.failed,
      async close() {
        await servers.close();
        await Promise.all(background.map((work) => work.stop()));
        await primary?.reportMetrics(await metrics.samples());
        observability.stop();
        shared.close();
        await stores.close();
        await tracing.close();
      },
    };

    /** Reads the overview, so that its history has no gap while no operator looks at it. */
    async function sampleOverview(): Promise<number> {
      await readOverview();
      return 0;
    }

    /** The work that one process of the service does for all. */
    async function startBackgroundWork(): Promise<Background[]> {
      const deliveries = await startDeliveries(config, {
        ...base,
        addDependency,
        outbox: stores.outbox,
        users: stores.users,
        budget: stores.mailBudget,
        links: security.links,
        origin: () => http.publicUrl ?? `http://localhost:${portOf(app) ?? http.port}`,
      });
      const { mailer } = deliveries;
      const webhooks = startWebhooks(config, {
        ...base,
        ...stores,
        ...security,
        webhookSender,
        mailer,
        newId,
      });
      const { sealMacs } = security;
      const upkeep = startUpkeep({ ...base, ...stores, policy, sealMacs, auditKept: config.auditKept });
      return [deliveries, webhooks, upkeep];
    }
  }
}

/** The port that the system assigned if the configured port is 0. */
function portOf({ server }: App): number | undefined {
  const address = server.address();
  return address === null || typeof address === 'string' ? undefined : address.port;
}
