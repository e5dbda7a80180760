import { waitForEvent } from './indexed-db.js';

const STORE = 'keys';

/** Returns the key that all tabs share. If several tabs make one at the same moment, the first stored key counts. */
export async function loadSharedKey(
  name: string,
  generate: () => Promise<CryptoKeyPair>,
): Promise<CryptoKeyPair> {
  const opening = indexedDB.open('kinship-dpop', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  await waitForEvent(opening, 'success');
  const database = opening.result;
  try {
    return (await readKey(database, name)) ?? (await addKey(database, name, await generate()));
  } finally {
    database.close();
  }
}

async function readKey(database: IDBDatabase, name: string): Promise<CryptoKeyPair | undefined> {
  const reading: IDBRequest<CryptoKeyPair | undefined> = database
    .transaction(STORE)
    .objectStore(STORE)
    .get(name);
  await waitForEvent(reading, 'success');
  return reading.result;
}

async function addKey(database: IDBDatabase, name: string, made: CryptoKeyPair): Promise<CryptoKeyPair> {
  const transaction = database.transaction(STORE, 'readwrite', { durability: 'strict' });
  const keys = transaction.objectStore(STORE);
  const reading: IDBRequest<CryptoKeyPair | undefined> = keys.get(name);
  reading.onsuccess = () => {
    if (reading.result === undefined) keys.put(made, name);
  };
  await waitForEvent(transaction, 'complete');
  return reading.result ?? made;
}
