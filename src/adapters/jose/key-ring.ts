import type { NamedKey } from '../../ports/security/named-key.ts';
import { hmacKey, type TokenKey } from './token-key.ts';

/** Keys by which tokens can be checked. */
export interface KnownKeys {
  /** The key of this id if tokens under it are to be accepted now. */
  find(id: string): TokenKey | undefined;

  /** The same after a look whether the key has come up since; rejects with what the look meets. */
  fetchUnknownKey(id: string): Promise<TokenKey | undefined>;
}

/** The keys of one kind of token. */
export interface KeyRing extends KnownKeys {
  /** The key that signs now. */
  current(): TokenKey;
}

/** Keys of the configuration, newest first: nothing comes up later. */
export function createHmacRing(keys: readonly NamedKey[]): KeyRing {
  const ready = keys.map(hmacKey);
  const [newest] = ready;
  if (newest === undefined) throw new Error('At least one signing key is needed.');
  const byId = new Map(ready.map((key) => [key.id, key]));
  return {
    current: () => newest,
    find: (id) => byId.get(id),
    fetchUnknownKey: async (id) => byId.get(id),
  };
}

/** The first one signs, tokens under either are accepted. */
export function eitherRing(first: KeyRing, second: KnownKeys): KeyRing {
  return {
    current: () => first.current(),
    find: (id) => first.find(id) ?? second.find(id),
    fetchUnknownKey: async (id) => (await first.fetchUnknownKey(id)) ?? second.fetchUnknownKey(id),
  };
}
