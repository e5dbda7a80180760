import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';

/** Runs a Lua script with these KEYS and ARGV. Redis runs a script atomically. */
export type Script = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/**
 * Creates a function that runs the script. It sends the hash of the script, and the script itself only if the server
 * does not know it. It rejects with {@link StoreUnavailable} for every failure: a server that is out of memory, or is a
 * replica, cannot count attempts.
 */
export function createScript(redis: Redis, lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex');

  return async (keys, args) => {
    try {
      return await redis.evalsha(sha, keys.length, ...keys, ...args).catch((error: unknown) => {
        if (!isUnknownScript(error)) throw error;
        return redis.eval(lua, keys.length, ...keys, ...args);
      });
    } catch (error) {
      throw new StoreUnavailable('unknown', error);
    }
  };
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
