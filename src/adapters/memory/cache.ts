import type { Cache } from '../../ports/cache.ts';
import { createBoundedMap } from './bounded-map.ts';

/** Together at most 64 MiB of text as the engine keeps it. */
const MOST = 1_000;
const LONGEST = 32 * 1024;

/** The cache in this process's memory. What was not written for longest gives way; what is very long is not kept. */
export function createMemoryCache({ most = MOST, longest = LONGEST } = {}): Cache {
  const kept = createBoundedMap<string>({ most });

  return {
    async get(key) {
      return kept.get(key) ?? null;
    },
    async set(key, value) {
      kept.set(key, value.length <= longest ? value : undefined);
    },
  };
}
