import type { Cache } from '../../ports/cache.ts';
import { createBoundedMap } from './bounded-map.ts';

/** The maximum number of entries, and of UTF-16 code units in a value. Together they bound the values to 64 MiB. */
const MAX_ENTRIES = 1_000;
const MAX_LENGTH = 32 * 1024;

/** The cache in the memory of this process. Evicts the entry with the oldest write. Does not store long values. */
export function createMemoryCache({ maxEntries = MAX_ENTRIES, maxLength = MAX_LENGTH } = {}): Cache {
  const values = createBoundedMap<string>({ maxEntries });

  return {
    async get(key) {
      return values.get(key) ?? null;
    },
    async set(key, value) {
      values.set(key, value.length <= maxLength ? value : undefined);
    },
  };
}
