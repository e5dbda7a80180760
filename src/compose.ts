import { randomUUID } from 'node:crypto';
import { createArgon2id } from './adapters/argon2/argon2id.ts';
import { createHttp } from './adapters/http/http.ts';
import type { App, ServerLimits } from './adapters/http/server/app.ts';
import { loginGuard } from './adapters/http/server/login-guard.ts';
import { createTokenCodec } from './adapters/jose/token-codec.ts';
import { createRevokedFamilies } from './adapters/memory/revoked-families.ts';
import { createTokenSecrets } from './adapters/secrets/token-secrets.ts';
import type { Logger } from './adapters/telemetry/log.ts';
import { logInById } from './app/sessions/log-in-by-id.ts';
import { refresh } from './app/sessions/refresh.ts';
import { startDeliveries } from './compose/deliveries.ts';
import { openStores, type Stores } from './compose/stores.ts';
import type { Config } from './config.ts';
import type { Clock } from './ports/clock.ts';
import type { NewId } from './ports/new-id.ts';

/** What a test may put in place of the real thing. */
export interface Overrides {
  readonly stores?: Stores;
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
  const newId = overrides.newId ?? randomUUID;
  const { tokens, policy, http } = config;

  const stores = overrides.stores ?? (await openStores(config, log));
  const codec = await createTokenCodec(tokens);
  const secrets = createTokenSecrets({
    keys: tokens.hashKeys,
    hasher: tokens.jtiHash,
    argon2Cost: config.argon2,
    argon2id: createArgon2id(ARGON2_LIMITS),
  });
  const sessions = {
    families: stores.families,
    revoked: createRevokedFamilies(clock),
    codec,
    secrets,
    policy,
    clock,
    newId,
  };

  const app = await createHttp({
    ...http,
    log,
    limits: overrides.limits ?? {},
    guard: loginGuard(http.loginByUserId, http.serviceKeys),
    logInById: logInById(sessions),
    refresh: refresh(sessions),
    checks: { database: stores.ping },
  });
  const deliveries = await startDeliveries(config, { outbox: stores.outbox, clock, log });

  return {
    app,
    failed: stores.failed,
    async close() {
      await app.close();
      await deliveries.stop();
      await stores.close();
    },
  };
}

/** Signing needs the thread pool too, which has four threads. */
const ARGON2_LIMITS = { atOnce: 2, queue: 64 };
