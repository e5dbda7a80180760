import { randomUUID } from 'node:crypto';
import { createHttp } from './adapters/http/http.ts';
import type { App, ServerLimits } from './adapters/http/server/app.ts';
import { loginGuard } from './adapters/http/server/login-guard.ts';
import { createRevokedFamilies } from './adapters/memory/revoked-families.ts';
import type { Logger } from './adapters/telemetry/log.ts';
import { openAttempts } from './compose/attempts.ts';
import { startDeliveries } from './compose/deliveries.ts';
import { createSecurity } from './compose/security.ts';
import { openStores, type Stores } from './compose/stores.ts';
import { useCases } from './compose/use-cases.ts';
import type { Config } from './config.ts';
import type { Clock } from './ports/clock.ts';
import type { NewId } from './ports/new-id.ts';

/** What a test may put in place of the real thing. */
export interface Overrides {
  readonly clock?: Clock;
  readonly newId?: NewId;
  readonly limits?: Partial<ServerLimits>;
}

export interface Service {
  readonly app: App;
  /** Finishes what was accepted, then lets go of everything, in the order in which it is needed. */
  close(): Promise<void>;
  /** Resolves, with the reason, if the service cannot go on by itself. */
  readonly failed: Promise<Error>;
}

/** Builds the service from its configuration: the one place that knows every adapter. */
export async function compose(config: Config, log: Logger, overrides: Overrides = {}): Promise<Service> {
  const clock = overrides.clock ?? Date.now;
  const revoked = createRevokedFamilies(clock);
  const stores = await openStores(config, { revoked, clock, log });
  try {
    return await composeOn(stores);
  } catch (error) {
    await stores.close();
    throw error;
  }

  async function composeOn(stores: Stores): Promise<Service> {
    const { http, policy } = config;
    const security = await createSecurity(config);
    const { attempts, close: closeAttempts } = await openAttempts(config, log);
    const newId = overrides.newId ?? randomUUID;
    const app = await createHttp({
      ...http,
      ...useCases({ ...stores, ...security, attempts, revoked, policy, clock, newId, log }),
      log,
      limits: overrides.limits ?? {},
      guard: loginGuard(http.loginByUserId, http.serviceKeys),
      checks: { database: stores.ping },
    });
    const { outbox, users } = stores;
    const deliveries = await startDeliveries(config, { outbox, users, links: security.links, clock, log });
    return {
      app,
      failed: stores.failed,
      async close() {
        await app.close();
        await deliveries.stop();
        closeAttempts();
        await stores.close();
      },
    };
  }
}
