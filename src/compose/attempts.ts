import { createMemoryAttempts } from '../adapters/memory/attempts.ts';
import { createRedisAttempts } from '../adapters/redis/attempts.ts';
import { connectRedis } from '../adapters/redis/connect.ts';
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
  const redis = await connectRedis(redisUrl, log);
  const attempts = attemptsWithFallback(createRedisAttempts(redis), memory, log);
  return { attempts, close: () => redis.disconnect() };
}
