import { createClient, type TokenPair, type TokenStorage } from '../../../client/src/index.ts';
import { indexedDbEntry } from '../../../client/src/indexed-db.ts';
import { overheard } from './overheard.ts';

/** What the test gives each page before anything else runs. */
declare const SERVICE: string;
declare function tell(what: string, detail: unknown): Promise<void>;

let end: (told: Promise<void>) => void;
const signedOut = new Promise<void>((resolve) => {
  end = resolve;
});
const client = createClient({
  url: SERVICE,
  fetch: overheard,
  onSignedOut: (code) => end(tell('signed out', code)),
});
let last: string | null = null;

/** A tab whose client takes care. */
const careful = {
  /** Once the test was told. */
  signedOut,
  /** Wants another token than the one that it had. */
  async wakeUp(): Promise<string | null> {
    last = await client.token(last ?? (await client.token()) ?? '');
    return last;
  },
  statusOfMe: async () => (await client.fetch(`${SERVICE}/auth/me`)).status,
};

/** A tab that does what is written in a hurry: it reads the pair, refreshes, and stores what comes. */
const naive = {
  adopt(pair: TokenPair): void {
    localStorage.setItem('pair', JSON.stringify(pair));
  },
  /** False: logged out. */
  async wakeUp(): Promise<boolean> {
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
      return true; // no answer: it will ask again when it wakes up next
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

/** Counts in a storage, each step under the lock that all tabs share. */
async function count(kind: string, steps: number): Promise<void> {
  const storage = storages[kind] ?? localStorage;
  for (let step = 0; step < steps; step += 1) {
    await navigator.locks.request('count', async () => {
      const before = await counted(kind);
      await new Promise((resolve) => setTimeout(resolve, 1));
      await storage.setItem('count', String(before + 1));
    });
  }
}

async function counted(kind: string): Promise<number> {
  return Number(await storages[kind]?.getItem('count'));
}

Object.assign(globalThis, { client, careful, naive, count, counted });
