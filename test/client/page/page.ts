import { createClient, type TokenPair, type TokenStorage } from '../../../client/src/index.ts';
import { indexedDbEntry } from '../../../client/src/indexed-db.ts';
import { reportingFetch } from './reporting-fetch.ts';

/** The test sets these globals in each page before other scripts run. */
declare const SERVICE: string;
declare function report(what: string, detail: unknown): Promise<void>;

let end: (reported: Promise<void>) => void;
const signedOut = new Promise<void>((resolve) => {
  end = resolve;
});
const client = createClient({
  url: SERVICE,
  fetch: reportingFetch,
  onSignedOut: (code) => end(report('signed out', code)),
});
let last: string | null = null;

/** A tab that uses the client, which coordinates the refreshes of all tabs. */
const coordinated = {
  /** Resolves after the test was notified. */
  signedOut,
  /** Requests another token than the previous one. */
  async renewToken(): Promise<string | null> {
    last = await client.token(last ?? (await client.token()) ?? '');
    return last;
  },
  statusOfMe: async () => (await client.fetch(`${SERVICE}/auth/me`)).status,
};

/** A tab with naive code: it reads the pair, refreshes it, and stores the answer. */
const naive = {
  adopt(pair: TokenPair): void {
    localStorage.setItem('pair', JSON.stringify(pair));
  },
  /** Returns false if the session has ended. */
  async renewToken(): Promise<boolean> {
    const { access, refresh }: TokenPair = JSON.parse(localStorage.getItem('pair') ?? '');
    try {
      const answer = await fetch(`${SERVICE}/auth/refresh`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refreshToken: refresh, accessToken: access }),
      });
      const body = await answer.json();
      if (answer.ok) naive.adopt(body);
      return body.recovery !== 'login';
    } catch {
      return true; // no answer: the tab tries again at its next `renewToken`
    }
  },
};

const indexedDb = {
  getItem: (name: string) => indexedDbEntry(name),
  setItem: (name: string, value: string) => indexedDbEntry(name, () => value),
};
const storages: Record<string, Pick<TokenStorage, 'getItem' | 'setItem'>> = {
  localStorage,
  IndexedDB: indexedDb,
};

/** Increments a number in a storage. Each step holds the lock that all tabs share. */
async function count(kind: string, steps: number): Promise<void> {
  const storage = storages[kind] ?? localStorage;
  for (let step = 0; step < steps; step += 1) {
    await navigator.locks.request('count', async () => {
      const before = await readCount(kind);
      await new Promise((resolve) => setTimeout(resolve, 1));
      await storage.setItem('count', String(before + 1));
    });
  }
}

async function readCount(kind: string): Promise<number> {
  return Number(await storages[kind]?.getItem('count'));
}

Object.assign(globalThis, { client, coordinated, naive, count, readCount });
