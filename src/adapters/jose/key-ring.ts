import type { NamedKey } from '../../ports/security/named-key.ts';
import { createHmacKey, type TokenKey } from './token-key.ts';

/** Keys that verify tokens. */
export interface VerificationKeys {
  /** The key with this id, if tokens under it are currently accepted. */
  find(id: string): TokenKey | undefined;

  /**
   * Reads the keys from their source again, unless they were read a moment ago, and then finds the key. Rejects if the
   * database cannot be read. An unusable file is only logged.
   */
  fetchUnknownKey(id: string): Promise<TokenKey | undefined>;
}

/** The keys of one token type. One of them signs. */
export interface KeyRing extends VerificationKeys {
  /** The key that signs now. */
  current(): TokenKey;
}

/** Creates a key ring of HMAC keys, newest first. The keys do not change while the process runs. */
export function createHmacKeyRing(keys: readonly NamedKey[]): KeyRing {
  const hmacKeys = keys.map(createHmacKey);
  const [newest] = hmacKeys;
  if (newest === undefined) throw new Error('At least one signing key is needed.');
  const byId = new Map(hmacKeys.map((key) => [key.id, key]));
  return {
    current: () => newest,
    find: (id) => byId.get(id),
    fetchUnknownKey: async (id) => byId.get(id),
  };
}

/** Combines a key ring that signs with more keys that only verify. */
export function combineKeys(signing: KeyRing, others: VerificationKeys): KeyRing {
  return {
    current: () => signing.current(),
    find: (id) => signing.find(id) ?? others.find(id),
    fetchUnknownKey: async (id) => (await signing.fetchUnknownKey(id)) ?? others.fetchUnknownKey(id),
  };
}
