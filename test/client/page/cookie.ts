import { createClient } from '../../../client/src/cookie.ts';

/** What the test gives each page before anything else runs. */
declare const SERVICE: string;
declare function tell(what: string, detail: unknown): Promise<void>;

const client = createClient({ url: SERVICE, onSignedOut: (code) => void tell('signed out', code) });
const statusOfMe = async () => (await client.fetch(`${SERVICE}/auth/me`)).status;

/** All that a script of the page can read: cookies, storages and the entries of the client. */
async function loot(): Promise<string> {
  const opening = indexedDB.open('kinship');
  await new Promise((resolve) => {
    opening.onsuccess = resolve;
  });
  const reading = opening.result.transaction('pairs').objectStore('pairs').getAll();
  await new Promise((resolve) => {
    reading.onsuccess = resolve;
  });
  opening.result.close();
  return JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, reading.result]);
}

Object.assign(globalThis, { client, statusOfMe, loot });
