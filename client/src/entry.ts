import type { TokenStorage } from './types.js';

/** Maps the stored entry to the entry to store. null removes the entry, the unchanged argument leaves it as it is. */
type Change = (entry: string | null) => string | null;

/** Reads an entry of a storage. With `change`, also replaces it, in one step if the storage can do so. */
export type AccessEntry = (name: string, change?: Change) => Promise<string | null>;

/** Creates an entry in the memory of this page or process, which no other page or process can read. */
export function memoryEntry(): AccessEntry {
  let entry: string | null = null;
  return async (_name, change) => {
    if (change) entry = change(entry);
    return entry;
  };
}

/** Adapts a storage with the methods of `localStorage`. It reads and writes in two steps. */
export function storageEntry(storage: TokenStorage): AccessEntry {
  return async (name, change) => {
    const entry = await storage.getItem(name);
    if (!change) return entry;
    const next = change(entry);
    if (next === null) await storage.removeItem(name);
    else if (next !== entry) await storage.setItem(name, next);
    return next;
  };
}
