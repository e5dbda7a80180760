import { countdown } from './clock.js';
import { type AccessEntry, memoryEntry, storageEntry } from './entry.js';
import { indexedDbEntry } from './indexed-db.js';
import { createLock, type Lock } from './lock.js';
import { createStateEvents } from './state-events.js';
import { parseStoredPair, type StoredPair } from './stored-pair.js';
import type { ClientOptions, SessionClient } from './types.js';

/**
 * The pair of a session in its storage, and this tab's view of it. The storage decides. A message from another tab only
 * causes a new read of the storage.
 */
export interface PairStore extends Pick<SessionClient, 'subscribe' | 'close'> {
  /** The lock of all tasks that change the pair. */
  readonly withLock: Lock;
  /** The pair that this tab read last: null when signed out, or before the first read. */
  lastRead(): StoredPair | null;
  /** Milliseconds until the access token of the known pair expires, as far as this tab can tell. */
  left(): number;
  /** Reads the pair from the storage; null when signed out. */
  read(): Promise<StoredPair | null>;
  /**
   * Replaces the stored pair and returns the pair that is stored afterwards. `change` gets the stored pair. It returns
   * the next pair, null to end the session, or its argument to change nothing. In IndexedDB one transaction reads,
   * compares and writes. Sends a message to the other tabs when the pair changes; `code` says why a session ended.
   */
  update(
    change: (stored: StoredPair | null) => StoredPair | null,
    code?: string | null,
  ): Promise<StoredPair | null>;
}

export function createPairStore({ name = 'kinship', storage, onSignedOut }: ClientOptions): PairStore {
  const [access, isShared] = chooseEntry(storage);
  const events = createStateEvents(onSignedOut);
  let channel = isShared ? channelOf(name, (code) => readStored(code)) : undefined;
  let known: StoredPair | null = null;
  let left = () => 0;
  let updates = 0;

  /** Overlapping reads may finish out of order, so a read that was overtaken is repeated. */
  async function readStored(code: string | null = null): Promise<StoredPair | null> {
    for (;;) {
      const before = updates;
      const stored = parseStoredPair(await access(name));
      if (updates === before) return note(stored, code);
    }
  }

  function note(stored: StoredPair | null, code: string | null): StoredPair | null {
    updates += 1;
    if (stored && stored.access !== known?.access) left = countdown(stored.expiresIn * 1000, stored.at);
    known = stored;
    events.emit({ signedIn: stored !== null, code });
    return stored;
  }

  return {
    withLock: createLock(isShared ? name : null),
    lastRead: () => known,
    left: () => left(),
    read: () => readStored(),

    async update(change, code = null) {
      let isOther = false;
      await access(name, (entry) => {
        const stored = parseStoredPair(entry);
        const next = change(stored);
        if (next === stored) return entry;
        isOther = next?.access !== stored?.access;
        return next && JSON.stringify(next);
      });
      if (isOther) channel?.postMessage(code);
      return readStored(isOther ? code : null);
    },

    subscribe(listener) {
      if (!events.add(listener)) readStored().catch(() => {}); // the next call of `token` reports the error
      return () => events.remove(listener);
    },

    close() {
      channel?.close();
      channel = undefined; // a message through a closed channel would throw
    },
  };
}

/** Chooses the storage of the pair. `isShared`: other tabs or processes may use the same storage. */
function chooseEntry(storage: ClientOptions['storage']): [access: AccessEntry, isShared: boolean] {
  if (storage) return [storageEntry(storage), true];
  if (storage === undefined && globalThis.indexedDB) return [indexedDbEntry, true];
  return [memoryEntry(), false];
}

/** Receives messages of other tabs. The channel does not keep a Node.js process running. */
function channelOf(
  name: string,
  onMessage: (code: string | null) => Promise<unknown>,
): BroadcastChannel | undefined {
  if (!globalThis.BroadcastChannel) return undefined;
  const channel: BroadcastChannel & { unref?: () => void } = new BroadcastChannel(name);
  channel.unref?.();
  channel.onmessage = ({ data }) => void onMessage(data).catch(() => {});
  return channel;
}
