import { createMemoryAttempts } from '../adapters/memory/attempts.ts';
import { createMemoryCache } from '../adapters/memory/cache.ts';
import { createMemoryUsedProofs } from '../adapters/memory/used-proofs.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import { attemptsWithFallback } from '../app/attempts-with-fallback.ts';
import { usedProofsWithFallback } from '../app/used-proofs-with-fallback.ts';
import type { Config } from '../config.ts';
import { PROOF_ATTEMPT_POLICY } from '../domain/second-factor.ts';
import type { Cache } from '../ports/cache.ts';
import type { Attempts } from '../ports/stores/attempts.ts';
import type { UsedProofs } from '../ports/stores/used-proofs.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** State that replicas share through Redis. Without Redis each process has its own. */
export interface SharedState {
  /** Attempts stay limited during an outage of Redis: this process then counts them in memory. */
  readonly attempts: Attempts;
  /** The attempts to prove a second factor, counted apart from those of passwords. */
  readonly proofAttempts: Attempts;
  readonly cache: Cache;
  /** Proofs that were used are refused during an outage of Redis too, as far as this process has seen them. */
  readonly usedProofs: UsedProofs;
  close(): void;
}

export async function openSharedState(
  { redisUrl, limits: { attempts: policy } }: Pick<Config, 'redisUrl' | 'limits'>,
  { log, telemetry }: { readonly log: Logger; readonly telemetry: Telemetry },
): Promise<SharedState> {
  const memory = createMemoryAttempts({ policy });
  const proofsHere = createMemoryUsedProofs();
  const factors = createMemoryAttempts({ policy: PROOF_ATTEMPT_POLICY });
  if (redisUrl === null) {
    const cache = createMemoryCache();
    return { attempts: memory, proofAttempts: factors, cache, usedProofs: proofsHere, close() {} };
  }
  // Loaded on demand: importing the driver delays the start.
  const [{ connectRedis }, { createRedisAttempts }, { createRedisCache }, { createRedisUsedProofs }] =
    await Promise.all([
      import('../adapters/redis/connect.ts'),
      import('../adapters/redis/attempts.ts'),
      import('../adapters/redis/cache.ts'),
      import('../adapters/redis/used-proofs.ts'),
    ]);
  const redis = await connectRedis(redisUrl, log);
  return {
    attempts: attemptsWithFallback(createRedisAttempts(redis, { policy }), memory, log),
    proofAttempts: attemptsWithFallback(
      createRedisAttempts(redis, { policy: PROOF_ATTEMPT_POLICY, prefix: 'kinship:proof:' }),
      factors,
      log,
    ),
    cache: createRedisCache(redis),
    usedProofs: usedProofsWithFallback(createRedisUsedProofs(redis), proofsHere, { log, telemetry }),
    close: () => redis.disconnect(),
  };
}
