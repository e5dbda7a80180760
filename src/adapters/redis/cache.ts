import type { Redis } from 'ioredis';
import type { Cache } from '../../ports/cache.ts';

interface Options {
  /** What every key begins with. */
  readonly prefix?: string;
}

/** Milliseconds; what nobody has asked for lately makes room. */
const KEPT_FOR = 3_600_000;

/** The cache in Redis, shared by all replicas. That it cannot be asked is for the connection to tell. */
export function createRedisCache(redis: Redis, { prefix = 'kinship:' }: Options = {}): Cache {
  return {
    async get(key) {
      return redis.get(`${prefix}${key}`).catch(() => null);
    },
    async set(key, value) {
      await redis.set(`${prefix}${key}`, value, 'PX', KEPT_FOR).catch(() => null);
    },
  };
}
