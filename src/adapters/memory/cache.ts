import type { Cache } from '../../ports/cache.ts';
import { createBoundedMap } from './bounded-map.ts';

/** Entries and UTF-16 code units. Together they bound the text to 64 MiB in the memory of the engine. */
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
