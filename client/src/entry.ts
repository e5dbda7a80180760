import type { TokenStorage } from './types.js';

/** From the entry that is stored to the one to store: null removes it, the argument itself changes nothing. */
type Change = (entry: string | null) => string | null;

/** Reads an entry of a storage. With `change`, replaces it too, in one step where the storage can do so. */
export type AccessEntry = (name: string, change?: Change) => Promise<string | null>;

/** An entry that nobody else can see. */
export function memoryEntry(): AccessEntry {
  let entry: string | null = null;
  return async (_name, change) => {
    if (change) entry = change(entry);
    return entry;
  };
}

/** A storage in the shape of `localStorage` reads and writes in two steps. */
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
