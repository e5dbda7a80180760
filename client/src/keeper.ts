import { countdown } from './clock.js';
import { type AccessEntry, memoryEntry, storageEntry } from './entry.js';
import { indexedDbEntry } from './indexed-db.js';
import { type Kept, parseKept } from './kept.js';
import { createLock, type Lock } from './lock.js';
import { createNews } from './news.js';
import type { ClientOptions, SessionClient } from './types.js';

/**
 * The pair of a session in its storage, and what this tab knows of it. The truth is in the storage; what tabs say to
 * each other is only that it is time to look.
 */
export interface Keeper extends Pick<SessionClient, 'subscribe' | 'close'> {
  /** Tasks that change the pair take turns. */
  readonly alone: Lock;
  /** As this tab saw it last: null when signed out, or before the first look. */
  known(): Kept | null;
  /** Milliseconds that the access token of the known pair has left, as far as this tab can tell. */
  left(): number;
  /** What the storage has now. */
  look(): Promise<Kept | null>;
  /**
   * Replaces the stored pair and returns what is stored then. `change` gets the stored pair and returns the next one,
   * null to end the session, or its argument to change nothing. Whatever `change` compares still holds when its result
   * is written: in IndexedDB both are one transaction. Tells the other tabs of another pair, and the `code` of an end.
   */
  update(change: (kept: Kept | null) => Kept | null, code?: string | null): Promise<Kept | null>;
}

export function createKeeper({ name = 'kinship', storage, onSignedOut }: ClientOptions): Keeper {
  const [access, isShared] = chooseEntry(storage);
  const news = createNews(onSignedOut);
  const channel = isShared ? channelOf(name, (code) => look(code)) : undefined;
  let known: Kept | null = null;
  let left = () => 0;
  let notes = 0;

  /** Of looks that overlap, the last to be through need not be the last to have read: it reads again. */
  async function look(code: string | null = null): Promise<Kept | null> {
    for (;;) {
      const before = notes;
      const kept = parseKept(await access(name));
      if (notes === before) return note(kept, code);
    }
  }

  function note(kept: Kept | null, code: string | null): Kept | null {
    notes += 1;
    if (kept && kept.access !== known?.access) left = countdown(kept.expiresIn * 1000, kept.at);
    known = kept;
    news.tell({ signedIn: kept !== null, code });
    return kept;
  }

  return {
    alone: createLock(isShared ? name : null),
    known: () => known,
    left: () => left(),
    look: () => look(),

    async update(change, code = null) {
      let isOther = false;
      await access(name, (entry) => {
        const kept = parseKept(entry);
        const next = change(kept);
        if (next === kept) return entry;
        isOther = next?.access !== kept?.access;
        return next && JSON.stringify(next);
      });
      if (isOther) channel?.postMessage(code);
      return look(isOther ? code : null);
    },

    subscribe(listener) {
      if (!news.add(listener)) look().catch(() => {}); // told to whoever asks for a token
      return () => news.remove(listener);
    },

    close: () => channel?.close(),
  };
}

/** Where the pair is kept, and whether other tabs or processes may have it too. */
function chooseEntry(storage: ClientOptions['storage']): [access: AccessEntry, isShared: boolean] {
  if (storage) return [storageEntry(storage), true];
  if (storage === undefined && globalThis.indexedDB) return [indexedDbEntry, true];
  return [memoryEntry(), false];
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
