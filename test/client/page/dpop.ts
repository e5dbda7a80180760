import { createClient } from '../../../client/src/dpop.ts';
import { reportingFetch } from './reporting-fetch.ts';

/** The test sets these globals in each page before other scripts run. */
declare const SERVICE: string;
declare function report(what: string, detail: unknown): Promise<void>;

const client = createClient({
  url: SERVICE,
  fetch: reportingFetch,
  onSignedOut: (code) => void report('signed out', code),
});

/** Requests another token than the previous one. */
const renewToken = async () => (await client.token((await client.token()) ?? '')) !== null;
const statusOfMe = async () => (await client.fetch(`${SERVICE}/auth/me`)).status;

/** Tries to export the key, as a malicious script of the page would. Returns the name of the error, or the key. */
async function stealKey(): Promise<string> {
  const opening = indexedDB.open('kinship-dpop');
  await new Promise((resolve) => {
    opening.onsuccess = resolve;
  });
  const reading = opening.result.transaction('keys').objectStore('keys').get('kinship');
  await new Promise((resolve) => {
    reading.onsuccess = resolve;
  });
  const { privateKey }: CryptoKeyPair = reading.result;
  opening.result.close();
  return crypto.subtle.exportKey('jwk', privateKey).then(JSON.stringify, (error: Error) => error.name);
}

Object.assign(globalThis, { client, renewToken, statusOfMe, stealKey });
