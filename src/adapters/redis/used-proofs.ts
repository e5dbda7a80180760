import type { Redis } from 'ioredis';
import { shortHash } from '../../lib/short-hash.ts';
import { StoreUnavailable } from '../../ports/stores/store-unavailable.ts';
import { type UsedDpopProofs, UsedDpopProofsFull } from '../../ports/stores/used-dpop-proofs.ts';

interface Options {
  /** The beginning of every key. */
  readonly prefix?: string;
}

/**
 * Used proofs in Redis, shared by all replicas. A use is one command, so it is atomic. The keys expire by themselves.
 */
export function createRedisUsedProofs(redis: Redis, { prefix = 'kinship:' }: Options = {}): UsedDpopProofs {
  return {
    async use({ jkt, jti }, now, until) {
      const hash = shortHash(`${jkt} ${jti}`);
      try {
        return (await redis.set(`${prefix}proof:${hash}`, '', 'PX', until - now, 'NX')) === 'OK';
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('OOM ')) throw new UsedDpopProofsFull(error);
        throw new StoreUnavailable('unknown', error);
      }
    },
  };
}
