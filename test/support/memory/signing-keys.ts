import type { SealedKey, SigningKeys } from '../../../src/ports/stores/signing-keys.ts';

/** The store of signing keys in memory. */
export function createMemorySigningKeys(): SigningKeys {
  const keys = new Map<number, SealedKey>();
  const removed = new Set<string>();

  return {
    async list() {
      return [...keys.values()]
        .sort((one, other) => one.number - other.number)
        .map((key) => ({ ...key, ...(removed.has(key.id) && { wasRemoved: true as const }) }));
    },

    async add(key) {
      if ([...keys.values()].some(({ id }) => id === key.id))
        throw new Error(`Key ${key.id} already exists.`);
      if (keys.has(key.number)) return false;
      keys.set(key.number, { ...key });
      return true;
    },

    async remove(ids) {
      const found = [...keys.values()].filter(({ id }) => ids.includes(id));
      for (const { number, id } of found) {
        keys.delete(number);
        removed.add(id);
      }
      return found.map(({ id }) => id);
    },
  };
}
