import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';

/** Runs a Lua script, which Redis does in one go, on keys and arguments that the script knows as KEYS and ARGV. */
export type Script = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/**
 * Sent by its hash, and in full only where the server does not know it yet. Rejects with a {@link StoreUnavailable}
 * whatever is wrong: a server that is out of memory or a replica by now cannot be asked either.
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
