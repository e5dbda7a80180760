import { indexedDbStorage } from './indexed-db.ts';
import { type Lock, lockOf } from './lock.ts';
import { memoryStorage } from './memory.ts';
import { createNews } from './news.ts';
import type { ClientOptions, SessionClient, TokenPair } from './types.ts';

/** A pair as it is stored. */
export interface Kept extends TokenPair {
  /** When it was asked for, in milliseconds by this machine's clock: a hint, for clocks are set. */
  readonly at: number;
  /** The `Idempotency-Key` of the refresh that was begun with this pair and whose answer is not stored yet. */
  readonly key?: string;
}

/**
 * The pair of a session in its storage, and what this tab knows of it. The truth is in the storage; what tabs say to
 * each other is only that it is time to look.
 */
export interface Keeper extends Pick<SessionClient, 'subscribe' | 'close'> {
  /** Whoever changes the pair does so alone. */
  readonly alone: Lock;
  /** As this tab saw it last: null when signed out, or before the first look. */
  known(): Kept | null;
  /** Milliseconds that the access token of the known pair has left, as far as this tab can tell. */
  left(): number;
  /** What the storage has now. */
  look(): Promise<Kept | null>;
  /** Stores the pair that is known already once more, with its key. */
  store(kept: Kept): Promise<void>;
  /** Stores another pair, or with null ends the session, because of `code` if because of one; tells the other tabs. */
  change(next: Kept | null, code?: string): Promise<void>;
}

export function createKeeper({ name = 'kinship', storage, onSignedOut }: ClientOptions): Keeper {
  const shared = storage === undefined && globalThis.indexedDB ? indexedDbStorage() : storage;
  const place = shared ?? memoryStorage();
  const news = createNews(onSignedOut);
  const channel = shared ? channelOf(name, (code) => look(code)) : undefined;
  let known: Kept | null = null;
  let goodUntil = 0;
  let notes = 0;

  /** Of looks that overlap, the last to be through need not be the last to have read: it reads again. */
  async function look(code: string | null = null): Promise<Kept | null> {
    for (;;) {
      const before = notes;
      const kept = JSON.parse((await place.getItem(name)) ?? 'null') as Kept | null;
      if (notes === before) return note(kept, code);
    }
  }

  function note(kept: Kept | null, code: string | null): Kept | null {
    notes += 1;
    // The clock of the day tells the age of a pair once; from then on the one that nobody sets does.
    if (kept && kept.access !== known?.access) {
      const age = kept.expiresIn * 1000;
      goodUntil = performance.now() + Math.min(age, kept.at + age - Date.now());
    }
    known = kept;
    news.tell({ signedIn: kept !== null, code });
    return kept;
  }

  async function store(kept: Kept): Promise<void> {
    await place.setItem(name, JSON.stringify(kept));
  }

  return {
    alone: lockOf(shared ? name : null),
    known: () => known,
    left: () => goodUntil - performance.now(),
    look: () => look(),
    store,

    async change(next, code) {
      if (next) await store(next);
      else await place.removeItem(name);
      note(next, code ?? null);
      channel?.postMessage(code ?? null);
    },

    subscribe(listener) {
      if (!news.add(listener)) look().catch(() => {}); // told to whoever asks for a token
      return () => news.remove(listener);
    },

    close: () => channel?.close(),
  };
}

/** What other tabs say; it keeps no process of Node.js running. */
function channelOf(
  name: string,
  hear: (code: string | null) => Promise<unknown>,
): BroadcastChannel | undefined {
  if (!globalThis.BroadcastChannel) return undefined;
  const channel: BroadcastChannel & { unref?: () => void } = new BroadcastChannel(name);
  channel.unref?.();
  channel.onmessage = ({ data }) => void hear(data).catch(() => {});
  return channel;
}
