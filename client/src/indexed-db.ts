import type { AccessEntry } from './entry.js';

const STORE = 'pairs';

/**
 * An entry that is the same for all tabs and workers of an origin. (Each browser process has its own copy of
 * `localStorage`.) One transaction reads and writes. A change is on the disk when the promise resolves.
 */
export const indexedDbEntry: AccessEntry = async (name, change) => {
  // Opened for each access: browsers close connections of background pages and report that too late.
  const opening = indexedDB.open('kinship', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  await waitForEvent(opening, 'success');
  const database = opening.result;
  try {
    const mode = change ? 'readwrite' : 'readonly';
    const transaction = database.transaction(STORE, mode, { durability: 'strict' });
    const pairs = transaction.objectStore(STORE);
    const reading: IDBRequest<string | undefined> = pairs.get(name);
    let entry: string | null = null;
    reading.onsuccess = () => {
      const found = reading.result ?? null;
      entry = change ? change(found) : found;
      if (entry === found) return;
      if (entry === null) pairs.delete(name);
      else pairs.put(entry, name);
    };
    await waitForEvent(transaction, 'complete');
    return entry;
  } finally {
    database.close();
  }
};

export function waitForEvent(
  target: IDBRequest | IDBTransaction,
  event: 'success' | 'complete',
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(target.error);
    Object.assign(target, { [`on${event}`]: () => resolve(), onerror: fail, onabort: fail });
  });
}
