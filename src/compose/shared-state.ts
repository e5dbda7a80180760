import { createMemoryAttempts } from '../adapters/memory/attempts.ts';
import { createMemoryCache } from '../adapters/memory/cache.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import { attemptsWithFallback } from '../app/attempts-with-fallback.ts';
import type { Config } from '../config.ts';
import type { Cache } from '../ports/cache.ts';
import type { Attempts } from '../ports/stores/attempts.ts';

/** What replicas share through Redis, and a process keeps for itself where there is none. */
export interface SharedState {
  /** Never without a limit: counted in memory while Redis is away. */
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
  // Loaded where it is wanted: the driver is a good part of the time that a start takes.
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
