import type { Redis } from 'ioredis';
import type { Cache } from '../../ports/cache.ts';

interface Options {
  /** The beginning of every key. */
  readonly prefix?: string;
}

/** Milliseconds since the last write. Older values are removed, so that the cache does not grow without a limit. */
const TTL = 3_600_000;

/**
 * The cache in Redis, shared by all replicas. During an outage a read finds nothing and a write does nothing. The
 * connection logs the outage.
 */
export function createRedisCache(redis: Redis, { prefix = 'kinship:' }: Options = {}): Cache {
  return {
    async get(key) {
      return redis.get(`${prefix}${key}`).catch(() => null);
    },
    async set(key, value) {
      await redis.set(`${prefix}${key}`, value, 'PX', TTL).catch(() => null);
    },
  };
}
