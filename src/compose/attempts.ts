import { createMemoryAttempts } from '../adapters/memory/attempts.ts';
import type { Logger } from '../adapters/telemetry/log.ts';
import { attemptsWithFallback } from '../app/attempts-with-fallback.ts';
import type { Config } from '../config.ts';
import type { Attempts } from '../ports/stores/attempts.ts';

/** Limits on attempts: shared by all replicas through Redis where there is one, in memory otherwise, never none. */
export async function openAttempts(
  { redisUrl }: Pick<Config, 'redisUrl'>,
  log: Logger,
): Promise<{ attempts: Attempts; close(): void }> {
  const memory = createMemoryAttempts();
  if (redisUrl === null) return { attempts: memory, close() {} };
  // Loaded where it is wanted: the driver is a good part of the time that a start takes.
  const [{ connectRedis }, { createRedisAttempts }] = await Promise.all([
    import('../adapters/redis/connect.ts'),
    import('../adapters/redis/attempts.ts'),
  ]);
  const redis = await connectRedis(redisUrl, log);
  const attempts = attemptsWithFallback(createRedisAttempts(redis), memory, log);
  return { attempts, close: () => redis.disconnect() };
}
