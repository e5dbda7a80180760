import { randomUUID } from 'node:crypto';
import { createHttp } from './adapters/http/http.ts';
import type { App, ServerLimits } from './adapters/http/server/app.ts';
import { createLoginAuthorizer } from './adapters/http/server/authorize-login.ts';
import { createRevokedFamilies } from './adapters/memory/revoked-families.ts';
import type { Logger } from './adapters/telemetry/log.ts';
import { createMetrics } from './adapters/telemetry/metrics.ts';
import type { OverloadLimits } from './adapters/telemetry/overload.ts';
import { reportLimits } from './app/report-limits.ts';
import { startDeliveries } from './compose/deliveries.ts';
import { openKeySet } from './compose/key-set/open.ts';
import { startObservability } from './compose/observability.ts';
import { createSecurity } from './compose/security.ts';
import { type Addresses, createServers } from './compose/servers.ts';
import { openSharedState } from './compose/shared-state.ts';
import { openStores, type Stores } from './compose/stores.ts';
import { openTracing, withSpans } from './compose/tracing.ts';
import { startUpkeep } from './compose/upkeep.ts';
import { useCases } from './compose/use-cases.ts';
import type { Config } from './config.ts';
import type { Clock } from './ports/clock.ts';
import type { NewId } from './ports/new-id.ts';

/** What a test may put in place of the real thing. */
export interface Overrides {
  readonly clock?: Clock;
  readonly newId?: NewId;
  readonly limits?: Partial<ServerLimits>;
  readonly pressure?: Partial<OverloadLimits>;
}

export interface Service {
  readonly app: App;
  /** Begins to take requests, and answers where. */
  listen(): Promise<Addresses>;
  /** Finishes what was accepted, then lets go of everything, in the order in which it is needed. */
  close(): Promise<void>;
  /** Resolves, with the reason, if the service cannot go on by itself. */
  readonly failed: Promise<Error>;
}

/** Builds the service from its configuration: the one place that knows every adapter. */
export async function compose(config: Config, log: Logger, overrides: Overrides = {}): Promise<Service> {
  const clock = overrides.clock ?? Date.now;
  const revoked = createRevokedFamilies(clock);
  const metrics = createMetrics();
  const { telemetry, storeCalls } = metrics;
  const { tracing, close: closeTracing } = await openTracing(config, log);
  const stores = await openStores(config, { revoked, storeCalls, tracing, clock, log });
  try {
    return await composeOn(stores);
  } catch (error) {
    await stores.close();
    throw error;
  }

  async function composeOn(stores: Stores): Promise<Service> {
    const { http, policy, limits } = config;
    const { outbox, users, mailBudget, signingKeys } = stores;
    const { keySet, publishedKeys, follow } = await openKeySet(config, { signingKeys, clock, log });
    const { hashing, ...security } = createSecurity(config, keySet, log);
    const { attempts: limited, cache, close: closeSharedMemory } = await openSharedState(config, log);
    const attempts = reportLimits(limited, telemetry);
    const newId = overrides.newId ?? randomUUID;
    const strain = overrides.pressure ?? {};
    const eye = startObservability(config, { metrics, outbox, hashing, revoked, limits: strain, clock, log });
    const told = { clock, log, telemetry };
    const rules = { policy, limits };
    const verbs = useCases({ ...stores, ...security, ...told, ...rules, attempts, cache, revoked, newId });
    const app = await createHttp({
      ...http,
      ...withSpans(tracing, verbs, (name) => ({ name, kind: 'internal' })),
      ...eye.http,
      tracing,
      log,
      limits: overrides.limits ?? {},
      authorizeLogin: createLoginAuthorizer(http.loginByUserId, http.serviceKeys),
      checks: { database: stores.ping, capacity: eye.checkCapacity },
      issuer: config.tokens.issuers[0] ?? '',
      publishedKeys,
      keySetMaxAge: config.keySet.maxAge,
    });
    const { listen, close: closeServers } = createServers(http, { app, exposition: metrics, log });
    const origin = () => http.publicUrl ?? `http://localhost:${portOf(app) ?? http.port}`;
    const toUsers = { outbox, users, budget: mailBudget, links: security.links, origin };
    const deliveries = await startDeliveries(config, { ...toUsers, tracing, ...told });
    const upkeep = startUpkeep({ ...stores, policy, ...told });
    const following = follow();
    return {
      app,
      listen,
      failed: stores.failed,
      async close() {
        await closeServers();
        await Promise.all([deliveries.stop(), upkeep.stop(), following.stop()]);
        eye.stop();
        closeSharedMemory();
        await stores.close();
        await closeTracing();
      },
    };
  }
}

/** Port 0 in the configuration leaves the choice to the system. */
function portOf({ server }: App): number | undefined {
  const address = server.address();
  return address === null || typeof address === 'string' ? undefined : address.port;
}
