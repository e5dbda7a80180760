import type { TokenStorage } from './types.ts';

const STORE = 'pairs';

/**
 * A storage that all tabs and workers of an origin see alike, unlike `localStorage`, which each process of a browser
 * reads from a copy of its own. What was set is on the disk when `setItem` is through.
 */
export function indexedDbStorage(): TokenStorage {
  return {
    getItem: async (name) => (await transact('readonly', (pairs) => pairs.get(name))) ?? null,
    setItem: (name, value) => transact('readwrite', (pairs) => pairs.put(value, name)),
    removeItem: (name) => transact('readwrite', (pairs) => pairs.delete(name)),
  };
}

/** Opened anew each time: browsers close connections of pages in the background, and say so too late. */
async function transact<T>(
  mode: IDBTransactionMode,
  act: (pairs: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open('kinship', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  await done(opening, 'success');
  const database = opening.result;
  try {
    const transaction = database.transaction(STORE, mode, { durability: 'strict' });
    const request = act(transaction.objectStore(STORE));
    await done(transaction, 'complete');
    return request.result;
  } finally {
    database.close();
  }
}

function done(target: IDBRequest | IDBTransaction, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    target.addEventListener(event, () => resolve());
    for (const failure of ['error', 'abort']) target.addEventListener(failure, () => reject(target.error));
  });
}
