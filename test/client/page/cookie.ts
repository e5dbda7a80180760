import { createClient } from '../../../client/src/cookie.ts';

/** The test sets this global in each page before other scripts run. */
declare const SERVICE: string;
declare function report(what: string, detail: unknown): Promise<void>;

const client = createClient({ url: SERVICE, onSignedOut: (code) => void report('signed out', code) });
const statusOfMe = async () => (await client.fetch(`${SERVICE}/auth/me`)).status;

/** Everything that a script of the page can read: cookies, storages and the entries of the client. */
async function readAsScript(): Promise<string> {
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

Object.assign(globalThis, { client, statusOfMe, readAsScript });
