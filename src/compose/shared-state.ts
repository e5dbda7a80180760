import { createMemoryAttempts } from '../adapters/memory/attempts.ts';
import { createMemoryCache } from '../adapters/memory/cache.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import { attemptsWithFallback } from '../app/attempts-with-fallback.ts';
import type { Config } from '../config.ts';
import type { Cache } from '../ports/cache.ts';
import type { Attempts } from '../ports/stores/attempts.ts';

/** State that replicas share through Redis. Without Redis each process has its own. */
export interface SharedState {
  /** Attempts stay limited during an outage of Redis: this process then counts them in memory. */
  readonly attempts: Attempts;
  readonly cache: Cache;
  close(): void;
}

export async function openSharedState(
  { redisUrl, limits: { attempts: policy } }: Pick<Config, 'redisUrl' | 'limits'>,
  log: Logger,
): Promise<SharedState> {
  const memory = createMemoryAttempts({ policy });
  if (redisUrl === null) return { attempts: memory, cache: createMemoryCache(), close() {} };
  // Loaded on demand: importing the driver delays the start.
  const [{ connectRedis }, { createRedisAttempts }, { createRedisCache }] = await Promise.all([
    import('../adapters/redis/connect.ts'),
    import('../adapters/redis/attempts.ts'),
    import('../adapters/redis/cache.ts'),
  ]);
  const redis = await connectRedis(redisUrl, log);
  return {
    attempts: attemptsWithFallback(createRedisAttempts(redis, { policy }), memory, log),
    cache: createRedisCache(redis),
    close: () => redis.disconnect(),
  };
}
