import type { SharedStores } from '../adapters/cluster/shared-stores.ts';
import { createMemoryAttempts } from '../adapters/memory/attempts.ts';
import { createMemoryCache } from '../adapters/memory/cache.ts';
import { createMemoryUsedProofs } from '../adapters/memory/used-proofs.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import { attemptsWithFallback } from '../app/attempts-with-fallback.ts';
import { usedDpopProofsWithFallback } from '../app/used-dpop-proofs-with-fallback.ts';
import type { Config } from '../config.ts';
import { PROOF_ATTEMPT_POLICY } from '../domain/second-factor.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** Adds a dependency to which the service keeps a connection, so that metrics show its state. */
export type AddDependency = (name: string, isUp: () => boolean) => void;

/**
 * State that replicas share through Redis. Without Redis each replica has its own state. During an outage of Redis,
 * each replica counts attempts in memory. It then refuses only the used proofs that it has seen itself.
 */
export interface SharedState extends SharedStores {
  close(): void;
}

/**
 * Creates the in-memory state that is used without Redis, and beside Redis as the fallback. With several workers only
 * the primary creates it.
 */
export function createLocalStores({ limits: { attempts: policy } }: Pick<Config, 'limits'>): SharedStores {
  return {
    attempts: createMemoryAttempts({ policy }),
    proofAttempts: createMemoryAttempts({ policy: PROOF_ATTEMPT_POLICY }),
    usedProofs: createMemoryUsedProofs(),
    cache: createMemoryCache(),
  };
}

export async function openSharedState(
  { redisUrl, limits: { attempts: policy } }: Pick<Config, 'redisUrl' | 'limits'>,
  memory: SharedStores,
  {
    log,
    telemetry,
    addDependency,
  }: {
    readonly log: Logger;
    readonly telemetry: Telemetry;
    readonly addDependency: AddDependency;
  },
): Promise<SharedState> {
  if (redisUrl === null) return { ...memory, close() {} };
  // Loaded on demand: importing the driver delays the start.
  const [{ connectRedis }, { createRedisAttempts }, { createRedisCache }, { createRedisUsedProofs }] =
    await Promise.all([
      import('../adapters/redis/connect.ts'),
      import('../adapters/redis/attempts.ts'),
      import('../adapters/redis/cache.ts'),
      import('../adapters/redis/used-proofs.ts'),
    ]);
  const redis = await connectRedis(redisUrl, log);
  addDependency('redis', () => redis.status === 'ready');
  return {
    attempts: attemptsWithFallback(createRedisAttempts(redis, { policy }), memory.attempts, log),
    proofAttempts: attemptsWithFallback(
      createRedisAttempts(redis, { policy: PROOF_ATTEMPT_POLICY, prefix: 'kinship:proof:' }),
      memory.proofAttempts,
      log,
    ),
    cache: createRedisCache(redis),
    usedProofs: usedDpopProofsWithFallback(createRedisUsedProofs(redis), memory.usedProofs, {
      log,
      telemetry,
    }),
    close: () => redis.disconnect(),
  };
}
